package aggregate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Applier is a domain event of a root entity T: a struct that JSON can tell,
// with the method that changes the root. Apply depends on nothing but the event
// and the root's fields, and cannot fail: it is run again whenever the event is
// replayed.
type Applier[T any] interface{ Apply(root *T) }

// Records says that E is an event that the root records. It is stored, and
// published on the root's name and that of the Go type, as "OrderShipped".
//
//	aggregate.NewRepository[Order](registry, aggregate.Records[Shipped]())
func Records[E Applier[T], T any]() Option {
	t := reflect.TypeFor[E]()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return RecordsAs[E, T](t.Name())
}

// RecordsAs is Records with a name that stays when the Go type's changes.
func RecordsAs[E Applier[T], T any](name string) Option {
	return func(d *definition) error {
		record := history.RecordOf[E, T](name)
		if _, twice := d.records.Find(name); twice || name == "" || strings.Contains(name, ".") {
			return fmt.Errorf("the event %s: the name %q is empty, has a dot or is taken", record.Event, name)
		}
		if record.Root != d.root {
			return fmt.Errorf("the event %s is one of %s", record.Event, record.Root)
		}
		d.records = append(d.records, record)
		return nil
	}
}

// Record notes that something happened to the entity, and applies it: an event
// of a type that the repository was told of by Records. Save stores it, before
// the event of whatever else has changed, so that replaying the events gives the
// entity as it was saved. Entities that are new have it applied when they are
// created.
func (r *Root) Record(event any) {
	p := pending{event: event}
	if r.keeper != nil {
		p.applied, p.err = r.keeper.applyTo(r, event)
	}
	r.pending = append(slices.Clip(r.pending), p) // a copy of the root has its own
}

// pending is an event that was recorded and not saved.
type pending struct {
	event   any
	applied bool
	err     error // of applying it
}

// keeper is the repository that an entity is from. ApplyTo reports false when
// the root is a copy of one, whose entity it cannot know.
type keeper interface {
	applyTo(root *Root, event any) (bool, error)
}

// keep lets the entity's root know whom it is embedded by.
func (r *Repository[T]) keep(entity *T) {
	root := r.root(entity)
	root.keeper, root.entity = r, entity
}

func (r *Repository[T]) applyTo(root *Root, event any) (bool, error) {
	entity, ok := root.entity.(*T)
	if !ok || r.root(entity) != root {
		return false, nil
	}
	e, ok := event.(Applier[T])
	if !ok {
		return false, fmt.Errorf("event %T: %w", event, history.ErrUnregistered)
	}
	return true, history.Apply(e, entity)
}

// applyPending applies what was recorded while the entity's root did not know
// whom it is embedded by.
func (r *Repository[T]) applyPending(entity *T) error {
	root := r.root(entity)
	for i, p := range root.pending {
		if p.applied || p.err != nil {
			continue
		}
		e, ok := p.event.(Applier[T])
		if !ok {
			return fmt.Errorf("event %T: %w", p.event, history.ErrUnregistered)
		}
		if err := history.Apply(e, entity); err != nil {
			return err
		}
		root.pending[i].applied = true
	}
	return nil
}

// Recorded is an event E that a root recorded, as handlers of its topic, as
// "OrderShipped", receive it.
type Recorded[E any] struct {
	UUID      UUID        `json:"uuid"`
	Name      string      `json:"name"`
	Version   int         `json:"version"`
	Action    unit.Action `json:"action"`
	CreatedAt time.Time   `json:"created_at"`
	Event     string      `json:"event"`
	Content   E           `json:"content"`
}
