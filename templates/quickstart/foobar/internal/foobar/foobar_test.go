package foobar_test

import (
	"net/http"
	"testing"

	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/minostest"
	"github.com/minos-framework/minos-go/templates/quickstart/foobar/internal/foobar"
)

func TestFooBar(t *testing.T) {
	t.Parallel()
	t.Run("is created and deleted", func(t *testing.T) {
		t.Parallel()
		s := minostest.Start(t, "foobar", foobar.New)
		var created cqrs.Created
		s.Post("/foobars", foobar.CreateFooBar{Something: "new"}).Want(http.StatusCreated).Decode(&created)
		path := "/foobars/" + created.UUID.String()
		s.Get(path).Want(http.StatusOK)
		s.Do(http.MethodDelete, path, nil).Want(http.StatusNoContent)
		s.Get(path).Want(http.StatusGone)
		s.System.Await("FooBarDeleted", nil)
	})
	t.Run("may be refused", func(t *testing.T) {
		t.Parallel()
		s := minostest.Start(t, "foobar", foobar.New)
		s.Post("/foobars", foobar.CreateFooBar{Something: "refused"}).Want(http.StatusConflict)
	})
}
