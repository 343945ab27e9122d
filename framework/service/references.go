package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/cqrs"
)

// snapshotsTopic is where a service answers what its roots are like.
func snapshotsTopic(root string) string { return "_Get" + root + "Snapshots" }

// snapshotsRequest asks for roots by their ids.
type snapshotsRequest struct {
	UUIDs []uuid.UUID `json:"uuids"`
}

// snapshots answers _Get<Root>Snapshots for every root of the service.
type snapshots struct{ registry *aggregate.Registry }

// Routes registers a query for each root.
func (s snapshots) Routes(r *cqrs.Queries) {
	for _, name := range s.registry.Names() {
		answer := func(ctx context.Context, in snapshotsRequest) ([]json.RawMessage, error) {
			return s.registry.Objects(ctx, name, in.UUIDs)
		}
		cqrs.Query(r, answer, cqrs.Topic(snapshotsTopic(name)))
	}
}

// requester asks another service and waits for the answer.
type requester interface {
	Request(ctx context.Context, topic string, content any) (broker.Message, error)
}

// resolver finds what references name: roots of this service in its store,
// others by asking over the broker.
type resolver struct {
	registry *aggregate.Registry
	client   requester
}

var _ aggregate.Resolver = resolver{}

// Resolve asks for all ids at once.
func (r resolver) Resolve(
	ctx context.Context, name string, ids []uuid.UUID,
) (map[uuid.UUID]json.RawMessage, error) {
	objects, err := r.fetch(ctx, name, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[uuid.UUID]json.RawMessage, len(objects))
	for _, object := range objects {
		var head struct {
			UUID uuid.UUID `json:"uuid"`
		}
		if err := json.Unmarshal(object, &head); err != nil {
			return nil, fmt.Errorf("decode %s: %w", name, err)
		}
		found[head.UUID] = object
	}
	return found, nil
}

func (r resolver) fetch(ctx context.Context, name string, ids []uuid.UUID) ([]json.RawMessage, error) {
	if slices.Contains(r.registry.Names(), name) {
		return r.registry.Objects(ctx, name, ids)
	}
	ctx, cancel := context.WithTimeout(ctx, referenceDeadline)
	defer cancel()
	reply, err := r.client.Request(ctx, snapshotsTopic(name), snapshotsRequest{UUIDs: ids})
	if err != nil {
		return nil, &unresolvedError{name: name, err: err}
	}
	var objects []json.RawMessage
	if err := json.Unmarshal(reply.Content, &objects); err != nil {
		return nil, &unresolvedError{name: name, err: err}
	}
	return objects, nil
}

// referenceDeadline bounds how long another service may take to say what its
// roots are like.
const referenceDeadline = 5 * time.Second

// unresolvedError says that the service that has a root did not give it.
type unresolvedError struct {
	name string
	err  error
}

func (e *unresolvedError) Error() string { return fmt.Sprintf("ask for %s: %s", e.name, e.err) }

func (e *unresolvedError) Unwrap() error { return e.err }

// StatusCode is 504 when the other service did not answer in time, and 502
// when it gave an error: it is not the caller's fault.
func (e *unresolvedError) StatusCode() int {
	if errors.Is(e.err, context.DeadlineExceeded) {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}
