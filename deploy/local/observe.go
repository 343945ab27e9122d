package local

import "sync"

// Observer is told what a System does. Its methods are never called at once;
// they must return soon, and not call the System.
type Observer interface {
	// Event tells of a step.
	Event(event Event)
	// Line tells of a line that a service wrote, without its end.
	Line(service, text string)
}

// Event is a step of a System.
type Event struct {
	Kind Kind `json:"event"`
	// Service is whose step it is; empty for those of the whole System.
	Service string `json:"service,omitempty"`
	// Text says it to a person, in one line.
	Text string `json:"text"`
	// URL is where the service answers (Ready).
	URL string `json:"url,omitempty"`
}

// Kind says what an Event tells. The words are read by programs: never change
// one.
type Kind string

// The kinds there are.
const (
	Broker    Kind = "broker"    // the embedded broker listens
	Fault     Kind = "fault"     // something does not work, and the services go on
	Moved     Kind = "moved"     // a service's port is taken; it gets another
	Building  Kind = "building"  // the build of a service begins
	Compiling Kind = "compiling" // how far a build has come; not often
	Built     Kind = "built"     // the build of a service is done
	Starting  Kind = "starting"  // the process of a service starts
	Ready     Kind = "ready"     // a service is healthy
	Running   Kind = "running"   // every service is
	Exited    Kind = "exited"    // a service ended without being asked to
	Stopping  Kind = "stopping"  // the services are asked to end
	Killed    Kind = "killed"    // a service did not end within the grace
	Stopped   Kind = "stopped"   // nothing runs any more
)

// nobody is the Observer of those who give none.
type nobody struct{}

var _ Observer = nobody{}

// Event does nothing.
func (nobody) Event(Event) {}

// Line does nothing.
func (nobody) Line(string, string) {}

// serial keeps the promise that an Observer's methods are never called at once.
type serial struct {
	mu sync.Mutex
	to Observer
}

var _ Observer = (*serial)(nil)

// Event hands the event on.
func (s *serial) Event(event Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to.Event(event)
}

// Line hands the line on.
func (s *serial) Line(service, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to.Line(service, text)
}
