package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/minostest"
	"github.com/minos-framework/minos-go/framework/service"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Writer is what reviews know of an Author.
type Writer struct {
	aggregate.External `root:"Author"`
	Name               string `json:"name"`
}

// Review is kept by the service of reviews.
type Review struct {
	aggregate.Root
	Of *aggregate.Ref[Writer] `json:"of"`
}

// reviews resolves what it is asked to.
type reviews struct {
	heard   chan aggregate.UUID // of authors that were updated
	timeout time.Duration
}

func (r reviews) Routes(q *cqrs.Queries) {
	cqrs.Query(q, r.names, cqrs.REST(http.MethodPost, "/names"))
	cqrs.Event(q, "AuthorUpdated", func(_ context.Context, e aggregate.Event[Author]) error {
		r.heard <- e.UUID
		return nil
	})
}

type namesRequest struct {
	UUIDs []aggregate.UUID `json:"uuids"`
}

// named says what became of each reference.
type named struct {
	Names  map[aggregate.UUID]string `json:"names"`
	Failed map[aggregate.UUID]string `json:"failed"`
}

func (r reviews) names(ctx context.Context, in namesRequest) (named, error) {
	if r.timeout > 0 {
		short, cancel := context.WithTimeout(ctx, r.timeout)
		defer cancel()
		ctx = short
	}
	var refs []*aggregate.Ref[Writer]
	for _, id := range in.UUIDs {
		refs = append(refs, aggregate.RefTo[Writer](id))
	}
	answer := named{Names: map[aggregate.UUID]string{}, Failed: map[aggregate.UUID]string{}}
	err := aggregate.Resolve(ctx, refs)
	if errors.Is(err, context.DeadlineExceeded) {
		return answer, err
	}
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range all.Unwrap() {
			if fault, ok := errors.AsType[*aggregate.RefError](err); ok {
				answer.Failed[fault.UUID] = fault.Err.Error()
			}
		}
	}
	for _, ref := range refs {
		if writer := ref.Value(); writer != nil {
			answer.Names[ref.UUID] = writer.Name
		}
	}
	return answer, nil
}

func newReviews(r reviews) func(*service.App) error {
	return func(app *service.App) error {
		_, err := aggregate.NewRepository[Review](app.Aggregates)
		app.Handle(r)
		return err
	}
}

// library is a service of reviews on a bus, where the test plays the service of
// authors.
type library struct {
	t    *testing.T
	bus  *memory.Bus
	http http.Handler
	reviews

	mu      sync.Mutex
	authors map[uuid.UUID]int // the version of each
	asked   []int             // how many, in each request
	hold    chan struct{}     // if not nil, answers wait for it to be closed
	holding chan struct{}     // gets a value when one does
}

func newLibrary(t *testing.T, timeout time.Duration) *library {
	t.Helper()
	l := &library{
		t: t, bus: memory.NewBus(), authors: map[uuid.UUID]int{}, holding: make(chan struct{}, 8),
		reviews: reviews{heard: make(chan aggregate.UUID, 8), timeout: timeout},
	}
	l.http = start(t, l.bus, "review", newReviews(l.reviews))
	during(t, func(ctx context.Context) error {
		return l.bus.Subscribe(ctx, broker.Subscription{Group: "author", Topics: []string{"_GetAuthorSnapshots"}, Handle: l.answer})
	})
	return l
}

// start runs a service on a bus until the test ends.
func start(t *testing.T, bus broker.Broker, name string, build func(*service.App) error) http.Handler {
	t.Helper()
	return startOver(t, drivers(bus), name, build)
}

func startOver(t *testing.T, over service.Drivers, name string, build func(*service.App) error) http.Handler {
	t.Helper()
	c := configuration()
	c.Name = name
	s, err := service.New(t.Context(), c, over, quiet(), build)
	if err != nil {
		t.Fatal(err)
	}
	during(t, func(ctx context.Context) error { return errors.Join(s.Run(ctx), s.Close(ctx)) })
	return s.Handler()
}

// during runs fn until the test ends.
func during(t *testing.T, fn func(ctx context.Context) error) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- fn(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// answer says what authors are like at the time of the question.
func (l *library) answer(ctx context.Context, m broker.Message) error {
	var in namesRequest
	if err := json.Unmarshal(m.Content, &in); err != nil {
		return err
	}
	l.mu.Lock()
	l.asked = append(l.asked, len(in.UUIDs))
	objects := []string{}
	for _, id := range in.UUIDs {
		if version, ok := l.authors[id]; ok {
			objects = append(objects, fmt.Sprintf(`{"uuid":"%s","version":%d,"name":"name %d"}`, id, version, version))
		}
	}
	hold := l.hold
	l.mu.Unlock()
	if hold != nil {
		l.holding <- struct{}{}
		<-hold
	}
	return l.bus.Publish(ctx, broker.Message{
		ID: m.ID, Topic: m.ReplyTo, Status: http.StatusOK,
		Content: json.RawMessage(`{"objects":[` + strings.Join(objects, ",") + `]}`),
	})
}

// update gives an author a new version, and returns when the service has
// handled the event of it.
func (l *library) update(id uuid.UUID, version int) {
	l.t.Helper()
	l.mu.Lock()
	l.authors[id] = version
	l.mu.Unlock()
	l.tell(fmt.Sprintf(`{"uuid":"%s","name":"Author","version":%d,"action":"update","fields_diff":[]}`, id, version))
}

// tell sends an event, and returns when the service has handled it.
func (l *library) tell(event string) {
	l.t.Helper()
	err := l.bus.Publish(l.t.Context(), broker.Message{
		ID: unit.NewID(), Topic: "AuthorUpdated", Content: json.RawMessage(event),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	select {
	case <-l.heard:
	case <-time.After(20 * time.Second):
		l.t.Fatal("the event was not handled")
	}
}

// resolve asks the service of reviews.
func (l *library) resolve(ids ...uuid.UUID) (got named, status int) {
	l.t.Helper()
	status = post(l.t, l.http, "/names", namesRequest{ids}, &got)
	return got, status
}

// post sends a body by HTTP, and reads the answer when it is no error.
func post(t *testing.T, to http.Handler, path string, body, answer any) (status int) {
	t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	to.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(content)))
	if w.Code < http.StatusBadRequest && w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), answer); err != nil {
			t.Fatal(err)
		}
	}
	return w.Code
}

func (l *library) requests() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.asked)
}

// warm returns when an author is served from the cache.
func (l *library) warm(id uuid.UUID) {
	l.t.Helper()
	for range 20_000 {
		before := l.requests()
		l.resolve(id)
		if l.requests() == before {
			return
		}
	}
	l.t.Fatal("it is never cached")
}

func (l *library) author(version int) uuid.UUID {
	id := unit.NewID()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.authors[id] = version
	return id
}

func (l *library) expect(id uuid.UUID, want string) {
	l.t.Helper()
	if got, status := l.resolve(id); got.Names[id] != want {
		l.t.Errorf("resolved to %+v (%d), want %s", got, status, want)
	}
}

func TestReferences_cache(t *testing.T) {
	t.Parallel()
	t.Run("never serves what is older than an event that was handled", func(t *testing.T) {
		t.Parallel()
		l := newLibrary(t, 0)
		id := l.author(1)
		l.warm(id)
		for version := 2; version < 30; version++ {
			l.update(id, version)
			l.expect(id, fmt.Sprintf("name %d", version))
			l.expect(id, fmt.Sprintf("name %d", version))
		}
	})
	t.Run("does not keep an answer that an event has overtaken", func(t *testing.T) {
		t.Parallel()
		l := newLibrary(t, 0)
		l.warm(l.author(1))
		id := l.author(1)
		hold := make(chan struct{})
		l.mu.Lock()
		l.hold = hold
		l.mu.Unlock()
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.expect(id, "name 1") // it was asked for before the event
		}()
		<-l.holding
		l.mu.Lock()
		l.hold = nil
		l.mu.Unlock()
		l.update(id, 2)
		close(hold)
		<-done
		l.expect(id, "name 2")
	})
	t.Run("keeps what an older event tells of, and forgets what a message without a version is about", func(t *testing.T) {
		t.Parallel()
		l := newLibrary(t, 0)
		id := l.author(7)
		l.warm(id)
		before := l.requests()
		l.update(id, 7)
		l.expect(id, "name 7")
		if l.requests() != before {
			t.Error("it was asked for again though nothing newer was told of")
		}
		l.tell(`{}`)
		l.expect(id, "name 7")
		if l.requests() == before {
			t.Error("it was served though what happened is not known")
		}
	})
}

func TestReferences(t *testing.T) {
	t.Parallel()
	t.Run("asks for many in messages of bounded size", func(t *testing.T) {
		t.Parallel()
		l := newLibrary(t, 0)
		ids := make([]uuid.UUID, 450)
		for i := range ids {
			ids[i] = l.author(i)
		}
		got, _ := l.resolve(ids...)
		if len(got.Names) != len(ids) || len(got.Failed) != 0 {
			t.Errorf("%d were resolved, %d failed", len(got.Names), len(got.Failed))
		}
		if n := l.requests(); n != 3 {
			t.Errorf("asked by %d messages", n)
		}
	})
	t.Run("says 504 when the other service does not answer in time", func(t *testing.T) {
		t.Parallel()
		l := newLibrary(t, 200*time.Millisecond)
		l.hold = make(chan struct{})
		defer close(l.hold)
		if _, status := l.resolve(l.author(1)); status != http.StatusGatewayTimeout {
			t.Errorf("answered %d", status)
		}
	})
	t.Run("tells the missing and the deleted apart, and resolves the others", func(t *testing.T) {
		t.Parallel()
		system := minostest.NewSystem(t)
		authorService := system.Start("author", newAuthors)
		reviewService := system.Start("review", newReviews(reviews{heard: make(chan aggregate.UUID, 8)}))
		var there, gone cqrs.Created
		authorService.Post("/authors", createAuthor{Name: "Ann"}).Decode(&there)
		authorService.Post("/authors", createAuthor{Name: "Bob"}).Decode(&gone)
		authorService.Do(http.MethodDelete, "/authors/"+gone.UUID.String(), nil).Want(http.StatusNoContent)
		missing := unit.NewID()
		var got named
		reviewService.Post("/names", namesRequest{[]aggregate.UUID{missing, there.UUID, gone.UUID}}).Decode(&got)
		want := named{
			Names: map[aggregate.UUID]string{there.UUID: "Ann"},
			Failed: map[aggregate.UUID]string{
				missing: "Author " + missing.String() + " was not found", gone.UUID: "Author " + gone.UUID.String() + " was deleted",
			},
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("gets what does not fit into one answer by asking again", func(t *testing.T) {
		t.Parallel()
		system := minostest.NewSystem(t)
		authorService := system.Start("author", newAuthors)
		reviewService := system.Start("review", newReviews(reviews{}))
		var ids []aggregate.UUID
		for range 20 {
			var created cqrs.Created
			authorService.Post("/authors", createAuthor{Name: strings.Repeat("n", 100_000)}).Decode(&created)
			ids = append(ids, created.UUID)
		}
		var got named
		reviewService.Post("/names", namesRequest{ids}).Decode(&got)
		if len(got.Names) != len(ids) {
			t.Errorf("%d of %d were resolved: %v", len(got.Names), len(ids), got.Failed)
		}
		for range 4 {
			system.Await("reviewQueryReply", func(m broker.Message) bool { return len(m.Content) < 600_000 })
		}
	})
	t.Run("are refused when a message asks for too many", func(t *testing.T) {
		t.Parallel()
		bus := memory.NewBus()
		start(t, bus, "author", newAuthors)
		content, err := json.Marshal(namesRequest{make([]aggregate.UUID, 1001)})
		if err != nil {
			t.Fatal(err)
		}
		err = bus.Publish(t.Context(), broker.Message{
			ID: unit.NewID(), Topic: "_GetAuthorSnapshots", ReplyTo: "Answers", Content: content,
		})
		if err != nil {
			t.Fatal(err)
		}
		answers := make(chan broker.Message, 1)
		during(t, func(ctx context.Context) error {
			return bus.Subscribe(ctx, broker.Subscription{Group: "test", Topics: []string{"Answers"}, Handle: func(_ context.Context, m broker.Message) error {
				answers <- m
				return nil
			}})
		})
		if m := <-answers; m.Status != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %d %s", m.Status, m.Content)
		}
	})
}

func TestReferences_unreadable(t *testing.T) {
	t.Parallel()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []aggregate.UUID
	for _, options := range [][]aggregate.Option{nil, {aggregate.Schema(2, aggregate.Removed("gone"))}, nil} {
		authors, err := aggregate.NewRepository[Author](aggregate.NewRegistry(store), options...)
		if err != nil {
			t.Fatal(err)
		}
		author := &Author{Name: "Ann"}
		if err := authors.Create(t.Context(), author); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, author.UUID)
	}
	bus := memory.NewBus()
	over := drivers(bus)
	over.Databases["memory"] = func(context.Context, config.Database) (service.Store, error) { return store, nil }
	startOver(t, over, "author", newAuthors)
	var got named
	post(t, start(t, bus, "review", newReviews(reviews{})), "/names", namesRequest{ids}, &got)
	if got.Names[ids[0]] != "Ann" || got.Names[ids[2]] != "Ann" || len(got.Names) != 2 {
		t.Errorf("the others are not served: %v", got)
	}
	if text := got.Failed[ids[1]]; !strings.Contains(text, "ask for Author") || !strings.Contains(text, "its schema is 2") {
		t.Errorf("the one that cannot be read: %q", text)
	}
}
