package deploy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/deploy"
)

// lines returns what plan changes, with causes.
func lines(plan *deploy.Plan) []string {
	var all []string
	for _, s := range plan.Changes() {
		all = append(all, s.ID()+": "+s.Cause)
	}
	return all
}

func TestNewPlan(t *testing.T) {
	t.Parallel()
	t.Run("names every step from nothing to a running project", func(t *testing.T) {
		t.Parallel()
		plan := newWorld(shop(t)).planFor(t)
		got := lines(plan)
		want := []string{
			"create network shop_default: not there yet",
			"create network shop_side: not there yet",
			"create volume shop_data: not there yet",
			"pull image debian:12-slim: not on the engine",
			"pull image apache/kafka:4.1.0: not on the engine",
			"pull image postgres:17: not on the engine",
			"build image shop-bar: no image yet",
			"build image shop-foo: no image yet",
			"create container shop-bar-1: no container yet",
			"create container shop-foo-1: no container yet",
			"connect network shop_side shop-foo-1: not on shop_side yet",
			"create container shop-kafka-1: no container yet",
			"start container shop-kafka-1: it is new",
			"create container shop-migrate-1: no container yet",
			"start container shop-migrate-1: it is new",
			"create container shop-postgres-1: no container yet",
			"start container shop-postgres-1: it is new",
			"create database bar_db: postgres could not be asked yet whether it has it",
			"create database foo_db: postgres could not be asked yet whether it has it",
			"start container shop-foo-1: it is new",
			"start container shop-bar-1: it is new",
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("the plan is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if again := newWorld(shop(t)).planFor(t); again.String() != plan.String() {
			t.Errorf("the same input gives another plan:\n%s\n%s", plan, again)
		}
	})
	t.Run("starts a service after what it depends on serves, and its database is there", func(t *testing.T) {
		t.Parallel()
		plan := newWorld(shop(t)).planFor(t)
		i := slices.IndexFunc(plan.Steps, func(s deploy.Step) bool { return s.ID() == "start container shop-foo-1" })
		want := []string{
			"await kafka", "await migrate", "await postgres", "connect network shop_side shop-foo-1",
			"create container shop-foo-1", "create database foo_db",
		}
		if got := plan.Steps[i].Needs; !slices.Equal(got, want) {
			t.Errorf("the start needs %q; want %q", got, want)
		}
	})
	t.Run("changes nothing when all is there", func(t *testing.T) {
		t.Parallel()
		w := newWorld(shop(t))
		w.deploy(t)
		if again := w.deploy(t); len(again.Changes()) != 0 || again.String() != "" {
			t.Errorf("the second plan is\n%s", again)
		}
	})
	t.Run("refuses a service that is not there, and names those that are", func(t *testing.T) {
		t.Parallel()
		_, err := deploy.NewPlan(shop(t), newWorld(shop(t)).observe(), "fop")
		if err == nil || !strings.Contains(err.Error(), "bar, foo, kafka, migrate, postgres") {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestNewPlan_causes changes one thing of a running project.
func TestNewPlan_causes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(w *world)
		want   []string
	}{
		"a variable": {
			func(w *world) { service(w, "foo").Environment["MINOS_X"] = "2" },
			recreated("foo", "configuration changed: environment MINOS_X"),
		},
		"several things": {
			func(w *world) {
				s := service(w, "foo")
				s.Environment = map[string]string{"NEW": "1"}
				s.ReadOnly, s.Labels["x"] = true, "y"
			},
			recreated("foo", "configuration changed: environment MINOS_X, environment NEW, label x, read_only"),
		},
		"the build context": {
			func(w *world) { service(w, "foo").Build.Hash = "other" },
			append([]string{"build image shop-foo: build context changed"}, recreated("foo", "its image is new")...),
		},
		"an image pulled by hand": {
			func(w *world) { w.images["postgres:17"] = deploy.Image{ID: "newer"} },
			recreated("postgres", "image changed"),
		},
		"an image removed by hand": {
			func(w *world) { delete(w.images, "apache/kafka:4.1.0") },
			append([]string{"pull image apache/kafka:4.1.0: not on the engine"}, recreated("kafka", "its image is new")...),
		},
		"a container that was stopped": {
			func(w *world) { *w.find("shop-foo-1") = exited(w, "shop-foo-1", 137) },
			[]string{"start container shop-foo-1: it exited with code 137"},
		},
		"a container in a crash loop": {
			func(w *world) { w.find("shop-foo-1").State = deploy.Restarting },
			[]string{"start container shop-foo-1: it keeps restarting", "stop container shop-foo-1: it keeps restarting"},
		},
		"a container that is paused": {
			func(w *world) { w.find("shop-foo-1").State = deploy.Paused },
			recreated("foo", "it is paused"),
		},
		"a container of docker compose": {
			func(w *world) { c := w.find("shop-foo-1"); c.ConfigHash, c.Fields = "theirs", nil },
			recreated("foo", "it was not made by minos"),
		},
		"a network that was lost": {
			func(w *world) { c := w.find("shop-foo-1"); c.Networks = []string{"shop_default"} },
			[]string{"connect network shop_side shop-foo-1: not on shop_side yet"},
		},
		"a database that is missing": {
			func(w *world) { delete(w.databases["postgres"], "foo_db") },
			[]string{"create database foo_db: not on postgres yet"},
		},
		"a second container": {
			func(w *world) {
				w.containers = append(w.containers, deploy.Container{
					ID: "second", Name: "shop-foo-2", Service: "foo", Number: 2, State: deploy.Running,
				})
			},
			[]string{
				"remove container shop-foo-2: one container is wanted, this is another",
				"stop container shop-foo-2: one container is wanted, this is another",
			},
		},
		"a service that is no longer wanted": {
			func(w *world) {
				w.containers = append(w.containers, deploy.Container{
					ID: "old", Name: "shop-old-1", Service: "old", State: deploy.Exited,
				})
			},
			[]string{"remove container shop-old-1: service old is no longer in compose.yaml"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(shop(t))
			w.deploy(t)
			c.change(w)
			got := lines(w.planFor(t))
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("the plan is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			w.deploy(t)
			if again := w.planFor(t); len(again.Changes()) != 0 {
				t.Errorf("afterwards the plan is\n%s", again)
			}
		})
	}
}

// recreated is what a plan says of a running container that is made anew.
func recreated(service, cause string) []string {
	name := "shop-" + service + "-1"
	all := []string{
		"stop container " + name + ": " + cause, "remove container " + name + ": " + cause,
		"create container " + name + ": " + cause, "start container " + name + ": it is new",
	}
	switch service {
	case "foo":
		all = append(all, "connect network shop_side "+name+": not on shop_side yet")
	case "postgres":
		all = append(all, "create database bar_db: postgres could not be asked yet whether it has it",
			"create database foo_db: postgres could not be asked yet whether it has it")
	}
	return all
}

func exited(w *world, name string, code int) deploy.Container {
	c := *w.find(name)
	c.State, c.ExitCode = deploy.Exited, code
	return c
}

// service returns the service of the project for a test to change.
func service(w *world, name string) *deploy.Service {
	i := slices.IndexFunc(w.project.Services, func(s deploy.Service) bool { return s.Name == name })
	return &w.project.Services[i]
}

func TestNewPlan_scope(t *testing.T) {
	t.Parallel()
	w := newWorld(shop(t))
	w.containers = []deploy.Container{{ID: "old", Name: "shop-old-1", Service: "old", State: deploy.Exited}}
	plan := w.deploy(t, "foo")
	for _, line := range lines(plan) {
		if strings.Contains(line, "bar") || strings.Contains(line, "old") {
			t.Errorf("deploying foo alone does %s", line)
		}
	}
	if w.find("shop-foo-1") == nil || w.find("shop-postgres-1") == nil {
		t.Error("foo, or what it depends on, was not deployed")
	}
}

func TestNewPlan_ports(t *testing.T) {
	t.Parallel()
	t.Run("picks the next free port that no service wants", func(t *testing.T) {
		t.Parallel()
		w := newWorld(shop(t))
		w.holders[4545], w.holders[4547] = "another process", "container x"
		plan := w.deploy(t)
		if got := plan.Published["foo"][0].Chosen; got != 4548 {
			t.Errorf("foo is published at %d; want 4548: 4546 is bar's", got)
		}
		if want := []string{"foo: port 4545 is taken by another process; using 4548"}; !slices.Equal(plan.Notices, want) {
			t.Errorf("notices are %q; want %q", plan.Notices, want)
		}
		delete(w.holders, 4545)
		if again := w.deploy(t); again.Published["foo"][0].Chosen != 4548 || len(again.Changes()) != 0 {
			t.Errorf("later the port moves: %v", again.Published)
		}
		service(w, "foo").Environment["MINOS_X"] = "2"
		if again := w.deploy(t); again.Published["foo"][0].Chosen != 4548 {
			t.Errorf("a new container moves the port: %v", again.Published)
		}
	})
	t.Run("moves a stopped container whose port was taken meanwhile", func(t *testing.T) {
		t.Parallel()
		w := newWorld(shop(t))
		w.deploy(t)
		w.find("shop-foo-1").State = deploy.Created
		w.holders[4545] = "container x"
		plan := w.deploy(t)
		if !strings.Contains(plan.String(), "host port 4545 is taken") || plan.Published["foo"][0].Chosen != 4547 {
			t.Errorf("the plan publishes %v\n%s", plan.Published, plan)
		}
	})
	t.Run("does not move a fixed port, and names who holds it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(shop(t))
		service(w, "foo").Labels[deploy.LabelPort] = deploy.PortFixed
		w.holders[4545] = "container x"
		_, err := deploy.NewPlan(w.project, w.observe())
		if !errors.Is(err, deploy.ErrConflict) || !strings.Contains(err.Error(), "4545") ||
			!strings.Contains(err.Error(), "container x") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("does not give away what a running service was moved to", func(t *testing.T) {
		t.Parallel()
		w := newWorld(shop(t))
		w.holders[4545] = "another process"
		w.deploy(t)
		service(w, "bar").Ports[0].HostPort = 4547 // where foo is now
		if plan := w.deploy(t); plan.Published["bar"][0].Chosen != 4548 {
			t.Errorf("ports are %v", plan.Published)
		}
	})
	t.Run("frees a port before another service has it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(shop(t))
		w.deploy(t)
		foo, bar := service(w, "foo"), service(w, "bar")
		foo.Ports[0].HostPort, bar.Ports[0].HostPort = bar.Ports[0].HostPort, foo.Ports[0].HostPort
		w.containers = append(w.containers, deploy.Container{
			ID: "old", Name: "shop-old-1", Service: "old", State: deploy.Running,
			Published: []deploy.Published{{Wanted: foo.Ports[0], Chosen: 4546}},
		})
		w.done = nil
		w.deploy(t)
		start := slices.Index(w.done, "start container shop-foo-1")
		for _, before := range []string{"remove container shop-bar-1", "remove container shop-old-1"} {
			if i := slices.Index(w.done, before); i < 0 || i > start {
				t.Errorf("%s did not come before foo's start: %q", before, w.done)
			}
		}
	})
	t.Run("refuses two services at one port", func(t *testing.T) {
		t.Parallel()
		w := newWorld(shop(t))
		service(w, "bar").Ports[0].HostPort = 4545
		if _, err := deploy.NewPlan(w.project, w.observe()); !errors.Is(err, deploy.ErrConflict) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestNewPlan_external(t *testing.T) {
	t.Parallel()
	project := load(t, write(t, map[string]string{"compose.yaml": `
services:
  foo: {image: x, networks: [theirs], volumes: ["kept:/kept"]}
networks: {theirs: {external: true, name: their-network}}
volumes: {kept: {external: true}}
`}))
	w := newWorld(project)
	_, err := deploy.NewPlan(project, w.observe())
	if !errors.Is(err, deploy.ErrConflict) || !strings.Contains(err.Error(), "their-network") {
		t.Errorf("the error without the network is %v", err)
	}
	w.networks["their-network"] = true
	_, err = deploy.NewPlan(project, w.observe())
	if !errors.Is(err, deploy.ErrConflict) || !strings.Contains(err.Error(), "kept") {
		t.Errorf("the error without the volume is %v", err)
	}
	w.volumes["kept"] = true
	if plan := w.deploy(t); strings.Contains(plan.String(), "create network") {
		t.Errorf("what is external is made:\n%s", plan)
	}
}

func TestNewPlan_images(t *testing.T) {
	t.Parallel()
	project := func(t *testing.T) *deploy.Project {
		t.Helper()
		return load(t, write(t, map[string]string{
			"compose.yaml": `
services:
  base: {build: ./base, image: "shop/base:1"}
  foo: {build: ./foo}
  twin: {build: ./foo, image: shop-foo}
`,
			"base/Dockerfile": "FROM debian:12-slim\n", "foo/Dockerfile": "FROM shop/base:1\nCOPY --from=busybox /a /b\n",
		}))
	}
	t.Run("builds what another image stands on first, and each image once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(project(t))
		w.deploy(t)
		want := []string{
			"build image shop-foo", "build image shop/base:1", "pull image busybox:latest", "pull image debian:12-slim",
		}
		got := slices.DeleteFunc(slices.Clone(w.done), func(id string) bool { return !strings.Contains(id, " image ") })
		if slices.Index(got, "build image shop/base:1") > slices.Index(got, "build image shop-foo") {
			t.Errorf("the images came in the order %q", got)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the images are %q; want %q", got, want)
		}
	})
	t.Run("builds again when a base image is another", func(t *testing.T) {
		t.Parallel()
		w := newWorld(project(t))
		w.deploy(t)
		w.images["busybox:latest"] = deploy.Image{ID: "newer"}
		plan := w.deploy(t)
		if !strings.Contains(plan.String(), "base image busybox changed") ||
			strings.Contains(plan.String(), "shop/base:1") {
			t.Errorf("the plan is\n%s", plan)
		}
		if again := w.planFor(t); len(again.Changes()) != 0 {
			t.Errorf("afterwards the plan is\n%s", again)
		}
	})
	t.Run("builds again when the image below it is built again", func(t *testing.T) {
		t.Parallel()
		w := newWorld(project(t))
		w.deploy(t)
		service(w, "base").Build.Hash = "other"
		if plan := w.deploy(t); !strings.Contains(plan.String(), "a base image is new") {
			t.Errorf("the plan is\n%s", plan)
		}
		if again := w.planFor(t); len(again.Changes()) != 0 {
			t.Errorf("afterwards the plan is\n%s", again)
		}
	})
}

func TestPlan_String(t *testing.T) {
	t.Parallel()
	plan := &deploy.Plan{Steps: []deploy.Step{
		{Action: deploy.CreateVolume, Subject: "v", Cause: "not there yet"},
		{Action: deploy.Await, Subject: "foo", Cause: "it has to be ready"},
		{Action: deploy.StartContainer, Subject: "shop-foo-1", Cause: "it is new"},
	}}
	const want = "create volume v             not there yet\nstart container shop-foo-1  it is new\n"
	if got := plan.String(); got != want {
		t.Errorf("the plan reads\n%swant\n%s", got, want)
	}
}

func TestNewDown(t *testing.T) {
	t.Parallel()
	w := newWorld(shop(t))
	w.deploy(t)
	down := deploy.NewDown(w.observe(), false)
	if err := deploy.Execute(t.Context(), down, w, &events{}, deploy.Limits{}); err != nil {
		t.Fatal(err)
	}
	if len(w.containers) != 0 || len(w.networks) != 0 || !w.volumes["shop_data"] {
		t.Errorf("after down there are %v, %v and %v", w.containers, w.networks, w.volumes)
	}
	down = deploy.NewDown(w.observe(), true)
	if want := "remove volume shop_data  its data is to be deleted\n"; down.String() != want {
		t.Errorf("down with volumes is %q; want %q", down, want)
	}
}
