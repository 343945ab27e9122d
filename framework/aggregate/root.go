package aggregate

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate/history"
)

// UUID identifies entities.
type UUID = uuid.UUID

// Root is embedded by root entities. Its fields are set by the repository and
// read by everyone else.
type Root struct {
	UUID      UUID      `json:"uuid"`
	Version   int       `json:"version"` // from 1; 0 says that it was never saved
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`

	// base holds the fields as they were read, in the order of the shape: what
	// a save is compared with. Most entities are never saved, so it is made of
	// loaded, the state as it was read, when it is needed first.
	base   []json.RawMessage
	loaded json.RawMessage
	// pending are the events that were recorded since, keeper and entity who
	// applies them to whom.
	pending []pending
	keeper  keeper
	entity  any
	// forgotten are the sensitive fields that hold nothing any more.
	forgotten []string
}

// Forgotten returns the JSON names of the sensitive fields of which the subject
// was forgotten when the entity was loaded: they hold nothing, and no rule of
// theirs keeps the entity from being saved.
func (r *Root) Forgotten() []string { return slices.Clone(r.forgotten) }

func (r *Root) root() *Root { return r }

// isNew reports whether no repository has loaded or created the entity.
func (r *Root) isNew() bool { return r.base == nil && r.loaded == nil }

func (r *Root) state() *history.State {
	return &history.State{Aggregate: r.UUID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
}

// rootOf is satisfied by pointers to structs that embed Root.
type rootOf[T any] interface {
	*T
	root() *Root
}
