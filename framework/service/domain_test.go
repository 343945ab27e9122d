package service_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/minostest"
	"github.com/minos-framework/minos-go/framework/saga"
	"github.com/minos-framework/minos-go/framework/service"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Ferry is a root entity.
type Ferry struct {
	aggregate.Root
	Name string `json:"name"`
}

// Ferries is what Minos calls the aggregate of Ferry: the operations on that
// root, with its repository, what publishes and the sagas at hand.
type Ferries struct {
	ferries *aggregate.Repository[Ferry]
	sagas   *saga.Manager
	survey  *saga.Definition[survey]
}

type survey struct {
	Ferry uuid.UUID `json:"ferry"`
}

func newFerries(app *service.App) error {
	ferries, err := aggregate.NewRepository[Ferry](app.Aggregates)
	if err != nil {
		return err
	}
	definition := saga.New[survey]("SurveyFerry").
		Remote("survey", func(_ context.Context, s *survey) (saga.Request, error) {
			return saga.Request{Topic: "SurveyHull", Content: s}, nil
		}).
		Commit()
	if err := saga.Register(app.Sagas, definition); err != nil {
		return err
	}
	app.Handle(&Ferries{ferries: ferries, sagas: app.Sagas, survey: definition})
	return nil
}

// Routes says what leads to each operation.
func (f *Ferries) Routes(r *cqrs.Commands) {
	cqrs.Command(r, f.launch, cqrs.REST(http.MethodPost, "/ferries"))
}

func (f *Ferries) launch(ctx context.Context, in struct {
	Name string `json:"name"`
},
) (cqrs.Created, error) {
	ferry := &Ferry{Name: in.Name}
	if err := f.ferries.Create(ctx, ferry); err != nil {
		return cqrs.Created{}, err
	}
	content, err := json.Marshal(ferry.Name)
	if err != nil {
		return cqrs.Created{}, err
	}
	unit.From(ctx).Publish(unit.Message{ID: unit.NewID(), Topic: "FerryChristened", Content: content})
	_, err = saga.Start(ctx, f.sagas, f.survey, survey{Ferry: ferry.UUID})
	return cqrs.Created{UUID: ferry.UUID}, err
}

// TestService_Domain shows where the operations on a root live, and that they
// have its repository, what publishes and the sagas, in one unit of work.
func TestService_Domain(t *testing.T) {
	t.Parallel()
	t.Run("has its operations on one root, with repository, publishing and sagas", func(t *testing.T) {
		t.Parallel()
		s := minostest.Start(t, "ferry", newFerries)
		surveyed := make(chan string, 1)
		s.System.Answer("SurveyHull", func(content json.RawMessage) (int, any) {
			surveyed <- string(content)
			return http.StatusOK, nil
		})
		var created cqrs.Created
		s.Post("/ferries", map[string]string{"name": "Aurora"}).Want(http.StatusCreated).Decode(&created)
		s.System.Await("FerryCreated", nil)
		s.System.Await("FerryChristened", nil)
		if content := <-surveyed; content != `{"ferry":"`+created.UUID.String()+`"}` {
			t.Errorf("the saga asked for %s", content)
		}
	})
	t.Run("binds one repository to a root", func(t *testing.T) {
		t.Parallel()
		s := minostest.Start(t, "ferry", func(app *service.App) error {
			if err := newFerries(app); err != nil {
				return err
			}
			if _, err := aggregate.NewRepository[Ferry](app.Aggregates); err == nil {
				t.Error("a root was given a second repository")
			}
			return nil
		})
		s.Post("/ferries", map[string]string{"name": "Aurora"}).Want(http.StatusCreated)
	})
}
