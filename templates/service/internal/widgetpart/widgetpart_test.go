package widgetpart_test

import (
	"net/http"
	"testing"

	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/minostest"
	"github.com/minos-framework/minos-go/templates/service/internal/widgetpart"
)

func create(t *testing.T, s *minostest.Service, name string) (path string) {
	t.Helper()
	var created cqrs.Created
	s.Post("/widget-parts", widgetpart.CreateWidgetPart{Name: name}).Want(http.StatusCreated).Decode(&created)
	return "/widget-parts/" + created.UUID.String()
}

func TestWidgetPart(t *testing.T) {
	t.Parallel()
	t.Run("is created, renamed and deleted", func(t *testing.T) {
		t.Parallel()
		s := minostest.Start(t, "widget-part", widgetpart.New)
		path := create(t, s, "first")
		s.Do(http.MethodPut, path+"/name", widgetpart.RenameWidgetPart{Name: "second"}).Want(http.StatusNoContent)
		var widgetPart widgetpart.WidgetPart
		s.Get(path).Want(http.StatusOK).Decode(&widgetPart)
		if widgetPart.Name != "second" || widgetPart.Version != 2 {
			t.Errorf("got %+v", widgetPart)
		}
		s.Do(http.MethodDelete, path, nil).Want(http.StatusNoContent)
		s.Get(path).Want(http.StatusGone)
	})
	t.Run("publishes what happens to it", func(t *testing.T) {
		t.Parallel()
		s := minostest.Start(t, "widget-part", widgetpart.New)
		path := create(t, s, "first")
		s.System.Await("WidgetPartCreated", nil)
		s.Do(http.MethodPut, path+"/name", widgetpart.RenameWidgetPart{Name: "second"}).Want(http.StatusNoContent)
		s.System.Await("WidgetPartUpdated.name", nil)
	})
	t.Run("needs a name", func(t *testing.T) {
		t.Parallel()
		s := minostest.Start(t, "widget-part", widgetpart.New)
		s.Post("/widget-parts", widgetpart.CreateWidgetPart{}).Want(http.StatusBadRequest)
	})
}
