package widgetpart

import (
	"context"
	"net/http"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
)

// Commands decides what happens to widget parts.
type Commands struct {
	widgetParts *aggregate.Repository[WidgetPart]
}

// Routes says what leads to each command.
func (c *Commands) Routes(r *cqrs.Commands) {
	cqrs.Command(r, c.create, cqrs.Topic("CreateWidgetPart"), cqrs.REST(http.MethodPost, "/widget-parts"))
	cqrs.Command(r, c.rename, cqrs.REST(http.MethodPut, "/widget-parts/{uuid}/name"))
	cqrs.Command(r, c.remove, cqrs.Topic("DeleteWidgetPart"), cqrs.REST(http.MethodDelete, "/widget-parts/{uuid}"))
}

// CreateWidgetPart is the content of the command of that name.
type CreateWidgetPart struct {
	Name string `json:"name"`
}

func (c *Commands) create(ctx context.Context, in CreateWidgetPart) (cqrs.Created, error) {
	if in.Name == "" {
		return cqrs.Created{}, cqrs.Errorf(http.StatusBadRequest, "a widget part needs a name")
	}
	widgetPart := &WidgetPart{Name: in.Name}
	if err := c.widgetParts.Create(ctx, widgetPart); err != nil {
		return cqrs.Created{}, err
	}
	return cqrs.Created{UUID: widgetPart.UUID}, nil
}

// RenameWidgetPart is the content of the command of that name.
type RenameWidgetPart struct {
	UUID aggregate.UUID `json:"-" path:"uuid"`
	Name string         `json:"name"`
}

func (c *Commands) rename(ctx context.Context, in RenameWidgetPart) (cqrs.None, error) {
	widgetPart, err := c.widgetParts.Get(ctx, in.UUID)
	if err != nil {
		return cqrs.None{}, err
	}
	widgetPart.Name = in.Name
	return cqrs.None{}, c.widgetParts.Save(ctx, widgetPart)
}

// DeleteWidgetPart is the content of the command of that name.
type DeleteWidgetPart struct {
	UUID aggregate.UUID `json:"uuid" path:"uuid"`
}

func (c *Commands) remove(ctx context.Context, in DeleteWidgetPart) (cqrs.None, error) {
	widgetPart, err := c.widgetParts.Get(ctx, in.UUID)
	if err != nil {
		return cqrs.None{}, err
	}
	return cqrs.None{}, c.widgetParts.Delete(ctx, widgetPart)
}
