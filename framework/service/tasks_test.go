package service_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/minostest"
	"github.com/minos-framework/minos-go/framework/service"
)

// founding is a task that creates an author when the service starts.
type founding struct{ all *aggregate.Repository[Author] }

func (f founding) Routes(r *cqrs.Commands) { cqrs.Task(r, "found", "@reboot", f.found) }

func (f founding) found(ctx context.Context, _ time.Time) error {
	return f.all.Create(ctx, &Author{Name: "Homer"})
}

func TestService_tasks(t *testing.T) {
	t.Parallel()
	t.Run("are run, within middleware as every handler is, and their events are heard", func(t *testing.T) {
		t.Parallel()
		heard := make(chan aggregate.UUID, 1)
		through := make(chan cqrs.Kind, 1)
		system := minostest.NewSystem(t)
		system.Start("books", newBooks(heard))
		system.Start("authors", func(app *service.App) error {
			all, err := aggregate.NewRepository[Author](app.Aggregates)
			app.Handle(founding{all})
			app.Use(func(h *cqrs.Handler, next cqrs.CallFunc) cqrs.CallFunc {
				return func(ctx context.Context, request cqrs.Request) (cqrs.Response, error) {
					if h.Kind == cqrs.KindTask {
						through <- h.Kind
					}
					return next(ctx, request)
				}
			})
			return err
		})
		<-heard
		<-through
	})
	t.Run("whose times are not understood keep the service from being made", func(t *testing.T) {
		t.Parallel()
		_, err := service.New(t.Context(), configuration(), drivers(memory.NewBus()), quiet(), func(app *service.App) error {
			app.Handle(sometimes{})
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), `tasks_test.go:`) || !strings.Contains(err.Error(), `"now and then"`) {
			t.Errorf("got %v", err)
		}
	})
}

type sometimes struct{}

func (sometimes) Routes(r *cqrs.Commands) {
	cqrs.Task(r, "a", "now and then", func(context.Context, time.Time) error { return nil })
	cqrs.Command(r, func(context.Context, cqrs.None) (cqrs.None, error) { return cqrs.None{}, nil },
		cqrs.REST(http.MethodPost, "/a"))
}
