package service_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/config"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/minostest"
	"github.com/minos-framework/minos-go/framework/service"
)

// Author is kept by one service, and referred to by the books of another.
type Author struct {
	aggregate.Root
	Name string `json:"name"`
}

type authors struct{ all *aggregate.Repository[Author] }

func (a authors) Routes(r *cqrs.Commands) {
	cqrs.Command(r, a.create, cqrs.REST(http.MethodPost, "/authors"))
	cqrs.Command(r, a.rename, cqrs.REST(http.MethodPost, "/authors/{uuid}"))
	cqrs.Command(r, a.remove, cqrs.REST(http.MethodDelete, "/authors/{uuid}"))
}

type createAuthor struct {
	Name string `json:"name"`
}

func (a authors) create(ctx context.Context, in createAuthor) (cqrs.Created, error) {
	author := &Author{Name: in.Name}
	err := a.all.Create(ctx, author)
	return cqrs.Created{UUID: author.UUID}, err
}

type renameAuthor struct {
	UUID aggregate.UUID `path:"uuid"`
	Name string         `json:"name"`
}

func (a authors) rename(ctx context.Context, in renameAuthor) (cqrs.None, error) {
	author, err := a.all.Get(ctx, in.UUID)
	if err != nil {
		return cqrs.None{}, err
	}
	author.Name = in.Name
	return cqrs.None{}, a.all.Save(ctx, author)
}

func (a authors) remove(ctx context.Context, in byUUID) (cqrs.None, error) {
	author, err := a.all.Get(ctx, in.UUID)
	if err != nil {
		return cqrs.None{}, err
	}
	return cqrs.None{}, a.all.Delete(ctx, author)
}

// Agent is kept beside authors, so that Author is not its service's first root.
type Agent struct{ aggregate.Root }

func newAuthors(app *service.App) error {
	if _, err := aggregate.NewRepository[Agent](app.Aggregates); err != nil {
		return err
	}
	all, err := aggregate.NewRepository[Author](app.Aggregates)
	app.Handle(authors{all})
	return err
}

// books is the service of books, which hears of authors.
type books struct {
	local *aggregate.Repository[Book]
	heard chan aggregate.UUID
}

// Book is kept by the service of books.
type Book struct {
	aggregate.Root
	Title string `json:"title"`
}

func (b books) Routes(r *cqrs.Queries) {
	cqrs.Query(r, b.author, cqrs.REST(http.MethodGet, "/authors/{uuid}"))
	cqrs.Event(r, "AuthorCreated", b.authorCreated)
}

type byUUID struct {
	UUID aggregate.UUID `path:"uuid"`
}

func (b books) author(ctx context.Context, in byUUID) (string, error) {
	author, err := aggregate.RefTo[Author](in.UUID).Get(ctx)
	if err != nil {
		return "", err
	}
	return author.Name, nil
}

func (b books) authorCreated(_ context.Context, e aggregate.Event[Author]) error {
	b.heard <- e.UUID
	return nil
}

func newBooks(heard chan aggregate.UUID) func(*service.App) error {
	return func(app *service.App) error {
		local, err := aggregate.NewRepository[Book](app.Aggregates)
		app.Handle(books{local: local, heard: heard})
		return err
	}
}

func TestService(t *testing.T) {
	t.Parallel()
	t.Run("hears the events of another service and resolves references to it", func(t *testing.T) {
		t.Parallel()
		heard := make(chan aggregate.UUID, 8)
		system := minostest.NewSystem(t)
		authorService := system.Start("author", newAuthors)
		bookService := system.Start("book", newBooks(heard))

		var created cqrs.Created
		authorService.Post("/authors", createAuthor{Name: "Ann"}).Want(http.StatusCreated).Decode(&created)
		if got := <-heard; got != created.UUID {
			t.Errorf("heard of %s", got)
		}
		var name string
		bookService.Get("/authors/" + created.UUID.String()).Want(http.StatusOK).Decode(&name)
		if name != "Ann" {
			t.Errorf("the author is %q", name)
		}
		bookService.Get("/authors/" + aggregate.UUID{1}.String()).Want(http.StatusNotFound)
	})
	t.Run("is ready when its database and its broker are", func(t *testing.T) {
		t.Parallel()
		s := minostest.Start(t, "author", newAuthors)
		for s.Get("/system/health").Status != http.StatusOK {
			select {
			case <-time.After(time.Millisecond):
			case <-t.Context().Done():
				t.Fatal("it was never ready")
			}
		}
	})
}

// away is a broker that does not answer until it is back.
type away struct {
	*memory.Bus

	back  atomic.Bool
	tried atomic.Pointer[context.CancelFunc] // called when it was looked for
}

func (a *away) CreateTopics(ctx context.Context, topics ...broker.Topic) error {
	if tried := a.tried.Load(); tried != nil {
		(*tried)()
	}
	if !a.back.Load() {
		return errors.New("connection refused")
	}
	return a.Bus.CreateTopics(ctx, topics...)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func configuration() config.Config {
	c := config.Config{Name: "author", Databases: map[string]config.Database{"default": {Client: "memory"}}}
	c.Interfaces.HTTP.Connector.Host = "127.0.0.1"
	c.Interfaces.Broker.Client = "memory"
	return c
}

func drivers(b broker.Broker) service.Drivers {
	return service.Drivers{
		Databases: map[string]service.OpenDatabase{"memory": func(ctx context.Context, _ config.Database) (service.Store, error) {
			return memory.Open(ctx, memory.Config{})
		}},
		Brokers: map[string]service.OpenBroker{"memory": func(context.Context, string, config.Broker) (broker.Broker, error) {
			return b, nil
		}},
	}
}

func TestService_Run(t *testing.T) {
	t.Parallel()
	t.Run("serves without its broker, says that it is not ready, and catches up", func(t *testing.T) {
		t.Parallel()
		bus := &away{Bus: memory.NewBus()}
		s, err := service.New(t.Context(), configuration(), drivers(bus), quiet(), newAuthors)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		ask := func(method, path, body string) (int, string) {
			answer := httptest.NewRecorder()
			s.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
			return answer.Code, answer.Body.String()
		}
		if status, body := ask(http.MethodPost, "/authors", `{"name":"Ann"}`); status != http.StatusCreated {
			t.Errorf("a command without the broker: %d %s", status, body)
		}
		if status, body := ask(http.MethodGet, "/system/health", ""); status != http.StatusServiceUnavailable {
			t.Errorf("health without the broker: %d %s", status, body)
		}
		bus.back.Store(true)
		await, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		got := ""
		if err := bus.Subscribe(await, broker.Subscription{
			Group: "test", Topics: []string{"AuthorCreated"},
			Handle: func(_ context.Context, m broker.Message) error {
				got = m.Topic
				cancel()
				return nil
			},
		}); err != nil || got == "" {
			t.Errorf("the event did not come: %v", err)
		}
		if status, body := ask(http.MethodGet, "/system/health", ""); status != http.StatusOK {
			t.Errorf("health with the broker: %d %s", status, body)
		}
		stop()
		if err := errors.Join(<-ended, s.Close(t.Context())); err != nil {
			t.Error(err)
		}
	})
	t.Run("stops though its broker is away", func(t *testing.T) {
		t.Parallel()
		bus := &away{Bus: memory.NewBus()}
		s, err := service.New(t.Context(), configuration(), drivers(bus), quiet(), newAuthors)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		bus.tried.Store(&stop)
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		select {
		case err := <-ended:
			if err := errors.Join(err, s.Close(t.Context())); err != nil {
				t.Error(err)
			}
		case <-time.After(5 * time.Second):
			t.Error("it did not stop in 5 seconds")
		}
	})
	t.Run("returns an error for a port that is taken", func(t *testing.T) {
		t.Parallel()
		c := configuration()
		listener := httptest.NewServer(http.NotFoundHandler())
		defer listener.Close()
		_, port, _ := strings.Cut(strings.TrimPrefix(listener.URL, "http://"), ":")
		c.Interfaces.HTTP.Connector.Port = atoi(port)
		s, err := service.New(t.Context(), c, drivers(memory.NewBus()), quiet(), newAuthors)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), port) {
			t.Errorf("got %v", err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func atoi(digits string) (n int) {
	for _, d := range digits {
		n = 10*n + int(d-'0')
	}
	return n
}

func TestNew_faults(t *testing.T) {
	t.Parallel()
	wrongDatabase, wrongBroker := configuration(), configuration()
	wrongDatabase.Databases["default"] = config.Database{Client: "oracle"}
	wrongBroker.Interfaces.Broker.Client = "carrier-pigeon"
	for name, c := range map[string]struct {
		config config.Config
		build  func(*service.App) error
		want   string
	}{
		"a database that is not linked":  {wrongDatabase, newAuthors, `database "oracle" is not linked into this service; it has [memory]`},
		"a broker that is not linked":    {wrongBroker, newAuthors, `broker "carrier-pigeon" is not linked`},
		"an error of the service's code": {configuration(), func(*service.App) error { return errors.New("no way") }, "build service author: no way"},
		"routes that clash": {configuration(), func(app *service.App) error {
			app.Handle(authors{}, authors{})
			return nil
		}, "POST /authors is the command of service_test.go"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := service.New(t.Context(), c.config, drivers(memory.NewBus()), quiet(), c.build)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q is not in: %v", c.want, err)
			}
		})
	}
}
