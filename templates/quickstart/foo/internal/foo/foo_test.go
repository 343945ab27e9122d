package foo_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/minostest"
	"github.com/minos-framework/minos-go/templates/quickstart/foo/internal/foo"
)

func create(t *testing.T, s *minostest.Service) uuid.UUID {
	t.Helper()
	var created cqrs.Created
	s.Post("/foos", foo.CreateFoo{Bar: "test"}).Want(http.StatusCreated).Decode(&created)
	return created.UUID
}

// foobarService answers for the foobar microservice.
func foobarService(s *minostest.System, id uuid.UUID) {
	s.Answer("CreateFooBar", func(content json.RawMessage) (int, any) {
		var in struct{ Something string }
		if json.Unmarshal(content, &in) != nil || in.Something == "refused" {
			return http.StatusConflict, cqrs.Problem{Title: "Conflict", Status: http.StatusConflict, Detail: "refused"}
		}
		return http.StatusCreated, cqrs.Created{UUID: id}
	})
	s.Answer("DeleteFooBar", func(json.RawMessage) (int, any) { return http.StatusNoContent, nil })
	s.Answer("_GetFooBarSnapshots", func(json.RawMessage) (int, any) {
		return http.StatusOK, []map[string]any{{"uuid": id, "version": 1, "something": "new"}}
	})
}

func TestAddFooBar(t *testing.T) {
	t.Parallel()
	t.Run("has a foobar made and the foo refer to it", func(t *testing.T) {
		t.Parallel()
		s, fooBar := minostest.Start(t, "foo", foo.New), uuid.New()
		foobarService(s.System, fooBar)
		id := create(t, s)
		s.Post("/foos/add-foobar", foo.AddFooBar{UUID: id, Something: "new"}).Want(http.StatusCreated)
		s.System.Await("FooUpdated.foobar", nil)
		var view foo.FooView
		s.Get("/foos/" + id.String()).Want(http.StatusOK).Decode(&view)
		if view.FooBar == nil || view.FooBar.UUID != fooBar || view.FooBar.Something != "new" {
			t.Errorf("the foo is %+v", view)
		}
	})
	t.Run("leaves the foo alone when the foobar is refused", func(t *testing.T) {
		t.Parallel()
		s := minostest.Start(t, "foo", foo.New)
		foobarService(s.System, uuid.New())
		id := create(t, s)
		s.Post("/foos/add-foobar", foo.AddFooBar{UUID: id, Something: "refused"}).Want(http.StatusConflict)
		var view foo.FooView
		s.Get("/foos/" + id.String()).Want(http.StatusOK).Decode(&view)
		if view.FooBar != nil || view.Version != 1 {
			t.Errorf("the foo is %+v", view)
		}
	})
	t.Run("deletes the foobar again when there is no such foo", func(t *testing.T) {
		t.Parallel()
		s := minostest.Start(t, "foo", foo.New)
		foobarService(s.System, uuid.New())
		s.Post("/foos/add-foobar", foo.AddFooBar{UUID: uuid.New(), Something: "new"}).Want(http.StatusNotFound)
		s.System.Await("DeleteFooBar", nil)
	})
}

func TestExample(t *testing.T) {
	t.Parallel()
	s := minostest.Start(t, "foo", foo.New)
	var answer string
	s.Get("/foos/example").Want(http.StatusOK).Decode(&answer)
	if answer != "This is an example response!" {
		t.Errorf("got %q", answer)
	}
}
