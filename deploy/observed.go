package deploy

// Observed is what there is of a project. A driver makes it; NewPlan only reads it.
type Observed struct {
	Networks map[string]bool // by the engine's names
	Volumes  map[string]bool
	// Images that the project uses, by Reference; what is not there is not here.
	Images map[string]Image
	// Containers of the project, sorted by service and number.
	Containers []Container
	// Databases that exist, by service and name. A service that could not be
	// asked, because it does not run, has no entry.
	Databases map[string]map[string]bool
	// PortHolder returns who holds a port of the host, and "" when it is free or
	// held by a container of this project. Nil means that every port is free.
	PortHolder func(ip string, port int) string
}

// Image is an image on the engine.
type Image struct {
	ID string
	// BuildHash is the Build.Hash it was built from; "" when it was not built here.
	BuildHash string
	// BaseIDs are the ids of the images it was built on, by Reference.
	BaseIDs map[string]string
}

// Container is a container of the project.
type Container struct {
	ID      string
	Name    string
	Service string
	Number  int
	State   State
	// ExitCode is how the process ended, when State is Exited.
	ExitCode int
	ImageID  string
	// ConfigHash and Fields are those of the service as the container was made;
	// Fields is nil when another tool made it.
	ConfigHash string
	Fields     map[string]string
	Networks   []string // the engine's names, sorted
	// Published are the ports that were chosen when the container was made.
	Published []Published
}

// Published is a published port and what was wanted: they differ when the wanted
// one was taken.
type Published struct {
	Wanted Port `json:"wanted"`
	Chosen int  `json:"chosen"`
}

// State is what a container does.
type State string

// The states, in the engine's words.
const (
	Created    State = "created" // and never started
	Running    State = "running"
	Paused     State = "paused"
	Restarting State = "restarting" // it ended, and the engine is about to start it again
	Removing   State = "removing"
	Exited     State = "exited"
	Dead       State = "dead"
)

// container returns the first container of a service.
func (o *Observed) container(service string) (Container, bool) {
	for _, c := range o.Containers {
		if c.Service == service {
			return c, true
		}
	}
	return Container{}, false
}
