package saga

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"time"
)

// Builder collects the steps of a definition; New makes one. It is used by one
// goroutine. Nothing that is wrong is reported before Register, which reports
// all of it at once.
type Builder[C any] struct{ plan *plan }

// Definition is a saga that can be registered and run: Commit makes one. It
// does not change, and may be used from several goroutines.
type Definition[C any] struct{ plan *plan }

// RemoteStep asks another service to do something. Its methods may each be
// called once; Remote, Local and Commit go on with the saga.
type RemoteStep[C any] struct {
	*Builder[C]
	step *step
}

// LocalStep does something in this service. Its methods may each be called
// once; Remote, Local and Commit go on with the saga.
type LocalStep[C any] struct {
	*Builder[C]
	step *step
}

// The callbacks of a definition. Each gets a copy of the context. What it
// changes there is kept when it returns nil; of an OnSuccess that failed it is
// kept too, since the step was done and its OnFailure has to know what to undo.
//
// A callback may be called more than once for one execution, after a conflict
// or a crash, until the commit that holds its effects: what it stages counts
// once, what it does outside may happen again. One that panics has failed.
type (
	// RequestFunc returns the request that a remote step sends.
	RequestFunc[C any] func(ctx context.Context, c *C) (Request, error)
	// ResponseFunc takes the reply to a remote step's request.
	ResponseFunc[C any] func(ctx context.Context, c *C, r Response) error
	// LocalFunc does what a local step does, through the unit of work that ctx
	// carries.
	LocalFunc[C any] func(ctx context.Context, c *C) error
)

// New begins version 1 of a saga whose steps share a context of type C. The
// context is kept as JSON between the steps, so all that matters in it has to
// survive that: Register refuses a type that loses fields.
func New[C any](name string) *Builder[C] {
	decode := func(data json.RawMessage) (any, error) {
		c := new(C)
		return c, json.Unmarshal(data, c)
	}
	return &Builder[C]{&plan{
		name: name, version: 1, place: caller(), context: reflect.TypeFor[C](), decode: decode,
	}}
}

// Version sets the version of the definition. Executions go on with the
// version that they were started with, so a definition whose steps change gets
// a new version, and the old one stays registered until its executions ended.
func (b *Builder[C]) Version(n int) *Builder[C] {
	b.plan.change(caller())
	b.plan.version = n
	return b
}

// Remote adds a step that another service does: the request that execute
// returns is sent with the commit of the transition, and the execution waits
// for its reply. A reply with a status other than 2xx says that the step was
// not done; unless OnError handles it, it fails the saga. No reply within the
// step's Timeout fails the saga as well.
func (b *Builder[C]) Remote(name string, execute RequestFunc[C]) *RemoteStep[C] {
	s := b.plan.add(name, caller())
	s.remote = true
	s.execute = requester(execute)
	return &RemoteStep[C]{b, s}
}

// Local adds a step that this service does: what execute stages through its
// context commits with the transition, and is dropped when execute fails, which
// fails the saga.
func (b *Builder[C]) Local(name string, execute LocalFunc[C]) *LocalStep[C] {
	s := b.plan.add(name, caller())
	s.execute = doer(execute)
	return &LocalStep[C]{b, s}
}

// Commit closes the definition.
func (b *Builder[C]) Commit() *Definition[C] {
	place := caller()
	b.plan.change(place)
	b.plan.committed, b.plan.digest = place, b.plan.shape()
	return &Definition[C]{b.plan}
}

// OnSuccess sets what is called with the reply of a step that was done. An
// error fails the saga, and this step is the first to be compensated.
func (r *RemoteStep[C]) OnSuccess(fn ResponseFunc[C]) *RemoteStep[C] {
	r.plan.once(r.step, "OnSuccess", r.step.onSuccess != nil, fn == nil, caller())
	r.step.onSuccess = listener(fn)
	return r
}

// OnError sets what is called with the reply of a step that was refused. When
// it returns nil the refusal is handled and the saga goes on with the next
// step; an error fails the saga with that cause. Without OnError the saga
// fails with the reply's error. Either way the step was not done, and is not
// compensated.
func (r *RemoteStep[C]) OnError(fn ResponseFunc[C]) *RemoteStep[C] {
	r.plan.once(r.step, "OnError", r.step.onError != nil, fn == nil, caller())
	r.step.onError = listener(fn)
	return r
}

// OnFailure sets what undoes the step when the saga fails after it: the
// request that fn returns is sent, and its reply is waited for. A request
// without a topic says that there is nothing to undo. It is also called when
// no reply came in time, since the step may have been done, or be done after
// its compensation was asked for: what it undoes is then best named by something
// that the request had, not by its reply, and is best refused when it is not
// there, so that the execution comes to need attention.
func (r *RemoteStep[C]) OnFailure(fn RequestFunc[C]) *RemoteStep[C] {
	r.plan.once(r.step, "OnFailure", r.step.onFailure != nil, fn == nil, caller())
	r.step.onFailure = requester(fn)
	return r
}

// Timeout sets how long a reply is waited for; without it Config.Timeout
// holds. It is measured by the store's clock, and survives restarts.
func (r *RemoteStep[C]) Timeout(d time.Duration) *RemoteStep[C] {
	place := caller()
	r.plan.once(r.step, "Timeout", r.step.timeout != 0, false, place)
	if d <= 0 {
		r.plan.fault(place, r.step, "Timeout is not positive: %s", d)
	}
	r.step.timeout = d
	return r
}

// OnFailure sets what undoes the step when a later one fails.
func (l *LocalStep[C]) OnFailure(fn LocalFunc[C]) *LocalStep[C] {
	l.plan.once(l.step, "OnFailure", l.step.onFailure != nil, fn == nil, caller())
	l.step.onFailure = doer(fn)
	return l
}

// plan is a definition with the type of its context erased.
type plan struct {
	name      string
	version   int
	place     string // of New
	committed string // place of Commit, or empty
	digest    string // the shape at Commit
	context   reflect.Type
	decode    func(json.RawMessage) (any, error) // to a *C
	steps     []*step
	faults    []error
}

type step struct {
	name, place string
	remote      bool
	timeout     time.Duration // 0 means Config.Timeout
	execute     request
	onFailure   request // or nil
	onSuccess   listen  // or nil
	onError     listen  // or nil
}

// The callbacks, with the context as a *C. That of a local step returns no
// request.
type (
	request func(ctx context.Context, c any) (Request, error)
	listen  func(ctx context.Context, c any, r Response) error
)

func requester[C any](fn RequestFunc[C]) request {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, c any) (Request, error) { return fn(ctx, c.(*C)) }
}

func doer[C any](fn LocalFunc[C]) request {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, c any) (Request, error) { return Request{}, fn(ctx, c.(*C)) }
}

func listener[C any](fn ResponseFunc[C]) listen {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context, c any, r Response) error { return fn(ctx, c.(*C), r) }
}

func (p *plan) add(name, place string) *step {
	p.change(place)
	s := &step{name: name, place: place}
	p.steps = append(p.steps, s)
	return s
}

// change notes a change, which has to come before Commit.
func (p *plan) change(place string) {
	if p.committed != "" {
		p.fault(place, nil, "changed after its Commit at %s", p.committed)
	}
}

func (p *plan) once(s *step, method string, again, missing bool, place string) {
	p.change(place)
	if again {
		p.fault(place, s, "%s is set twice", method)
	}
	if missing {
		p.fault(place, s, "%s is set to nil", method)
	}
}

func (p *plan) fault(place string, s *step, format string, args ...any) {
	where := fmt.Sprintf("%s: saga %s", place, p.name)
	if s != nil {
		where += fmt.Sprintf(": step %q", s.name)
	}
	p.faults = append(p.faults, fmt.Errorf("%s: %w", where, fmt.Errorf(format, args...)))
}

// clone returns a copy that the builder cannot change any more.
func (p *plan) clone() *plan {
	c := *p
	c.steps = make([]*step, len(p.steps))
	for i, s := range p.steps {
		own := *s
		c.steps[i] = &own
	}
	return &c
}

// shape is a digest of what an execution depends on: rows of another shape are
// not resumed, since a step's number would mean another step.
func (p *plan) shape() string {
	h := sha256.New()
	for _, s := range p.steps {
		fmt.Fprintf(h, "%t %q\n", s.remote, s.name)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// caller returns the place that called the exported function which calls it.
func caller() string {
	_, file, line, _ := runtime.Caller(2)
	return fmt.Sprintf("%s/%s:%d", filepath.Base(filepath.Dir(file)), filepath.Base(file), line)
}
