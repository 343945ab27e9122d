package widgetpart

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
)

// Queries answers what widget parts are like, and hears what happens to them.
type Queries struct {
	widgetParts *aggregate.Repository[WidgetPart]
}

// Routes says what leads to each query, and which events are heard.
func (q *Queries) Routes(r *cqrs.Queries) {
	cqrs.Query(r, q.get, cqrs.Topic("GetWidgetPart"), cqrs.REST(http.MethodGet, "/widget-parts/{uuid}"))
	cqrs.Query(r, q.list, cqrs.REST(http.MethodGet, "/widget-parts"))
	cqrs.Event(r, "WidgetPartCreated", q.created)
}

// GetWidgetPart is the content of the query of that name.
type GetWidgetPart struct {
	UUID aggregate.UUID `json:"uuid" path:"uuid"`
}

func (q *Queries) get(ctx context.Context, in GetWidgetPart) (*WidgetPart, error) {
	return q.widgetParts.Get(ctx, in.UUID)
}

func (q *Queries) list(ctx context.Context, _ cqrs.None) ([]*WidgetPart, error) {
	all := []*WidgetPart{}
	for widgetPart, err := range q.widgetParts.Find(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, widgetPart)
	}
	return all, nil
}

func (q *Queries) created(ctx context.Context, e aggregate.Event[WidgetPart]) error {
	name, _ := aggregate.Field[string](e, "name")
	slog.InfoContext(ctx, "a widget part was created", "topic", "WidgetPartCreated", "uuid", e.UUID, "name", name)
	return nil
}
