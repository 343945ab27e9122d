package deploy_test

import (
	"context"
	"fmt"
	"time"

	"github.com/minos-framework/minos-go/deploy"
)

// A plan is data: what is wanted and what there is decide it, and nothing else.
func ExampleNewPlan() {
	wanted := &deploy.Project{Name: "shop", Services: []deploy.Service{{
		Name: "foo", Image: "foo:2",
		Ports: []deploy.Port{{HostIP: "127.0.0.1", HostPort: 4545, Target: 8080, Protocol: "tcp"}},
	}}}
	there := &deploy.Observed{
		Images:     map[string]deploy.Image{"foo:2": {ID: "new"}},
		PortHolder: func(_ string, port int) string { return map[int]string{4545: "container other"}[port] },
	}
	plan, err := deploy.NewPlan(wanted, there)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(plan)
	fmt.Println(plan.Notices)
	// Output:
	// create container shop-foo-1  no container yet
	// start container shop-foo-1   it is new
	// [foo: port 4545 is taken by container other; using 4546]
}

// printer is a Runner and an Observer that only say what they are told.
type printer struct{}

func (printer) Run(_ context.Context, s deploy.Step, output func(string)) error {
	output("running " + s.Subject)
	return nil
}
func (printer) Begin(s deploy.Step)                         { fmt.Println("begin", s.ID()) }
func (printer) Output(_ deploy.Step, line string)           { fmt.Println(line) }
func (printer) End(s deploy.Step, _ time.Duration, _ error) { fmt.Println("end", s.ID()) }

// Steps run as soon as those that they need are done; here each needs the last.
func ExampleExecute() {
	plan := deploy.NewDown(&deploy.Observed{Containers: []deploy.Container{
		{ID: "1", Name: "shop-foo-1", Service: "foo", State: deploy.Running},
	}}, false)
	if err := deploy.Execute(context.Background(), plan, printer{}, printer{}, deploy.Limits{}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// begin stop container shop-foo-1
	// running shop-foo-1
	// end stop container shop-foo-1
	// begin remove container shop-foo-1
	// running shop-foo-1
	// end remove container shop-foo-1
}
