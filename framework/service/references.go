package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/cqrs"
)

// snapshotsTopic is where a service answers what its roots are like.
func snapshotsTopic(root string) string { return "_Get" + root + "Snapshots" }

const (
	// requestSize bounds how many roots are asked for in one message.
	requestSize = 200
	// acceptedSize bounds how many are answered: what other programs may ask.
	acceptedSize = 1000
	// answerSize bounds an answer, well below what brokers take by default.
	answerSize = 512 << 10
	// referenceDeadline bounds how long another service may take to say what its
	// roots are like, all its answers together.
	referenceDeadline = 5 * time.Second
	// requestsAtOnce bounds the messages that are under way for one resolution.
	requestsAtOnce = 8
)

// snapshotsRequest asks for roots by their ids.
type snapshotsRequest struct {
	UUIDs []uuid.UUID `json:"uuids"`
}

// snapshotsAnswer says of each root that was asked for what it is like, or that
// there is none, or that it cannot be read, or that it did not fit and is to be
// asked for again.
type snapshotsAnswer struct {
	Objects []json.RawMessage `json:"objects"`
	Missing []uuid.UUID       `json:"missing,omitempty"`
	Deleted []uuid.UUID       `json:"deleted,omitempty"`
	Failed  []failedSnapshot  `json:"failed,omitempty"`
	Rest    []uuid.UUID       `json:"rest,omitempty"`
}

// failedSnapshot is a root that its service cannot read.
type failedSnapshot struct {
	UUID  uuid.UUID `json:"uuid"`
	Error string    `json:"error"`
}

// snapshots answers _Get<Root>Snapshots for every root of the service.
type snapshots struct{ registry *aggregate.Registry }

// Routes registers a query for each root.
func (s snapshots) Routes(r *cqrs.Queries) {
	for _, name := range s.registry.Names() {
		answer := func(ctx context.Context, in snapshotsRequest) (snapshotsAnswer, error) {
			return s.answer(ctx, name, in.UUIDs)
		}
		cqrs.Query(r, answer, cqrs.Topic(snapshotsTopic(name)))
	}
}

func (s snapshots) answer(ctx context.Context, name string, ids []uuid.UUID) (snapshotsAnswer, error) {
	answer := snapshotsAnswer{Objects: []json.RawMessage{}}
	if len(ids) > acceptedSize {
		return answer, cqrs.Errorf(http.StatusRequestEntityTooLarge, "asked for %d at once, but %d is the most", len(ids), acceptedSize)
	}
	found, err := s.registry.Objects(ctx, name, ids)
	if err != nil {
		return answer, err
	}
	size := 0
	for id, result := range found {
		missing, absent := errors.AsType[*aggregate.NotFoundError](result.Err)
		switch {
		case absent && missing.Deleted:
			answer.Deleted = append(answer.Deleted, id)
		case absent:
			answer.Missing = append(answer.Missing, id)
		case result.Err != nil:
			answer.Failed = append(answer.Failed, failedSnapshot{UUID: id, Error: result.Err.Error()})
		case size > 0 && size+len(result.Object) > answerSize:
			answer.Rest = append(answer.Rest, id)
		default:
			answer.Objects = append(answer.Objects, result.Object)
			size += len(result.Object)
		}
	}
	return answer, nil
}

// requester asks another service and waits for the answer.
type requester interface {
	Request(ctx context.Context, topic string, content any) (broker.Message, error)
}

// resolver finds what references name: roots of this service in its store,
// others in the cache, or else by asking over the broker.
type resolver struct {
	registry *aggregate.Registry
	client   requester
	cache    *referenceCache
}

var _ aggregate.Resolver = resolver{}

// Resolve reads or asks for all ids at once.
func (r resolver) Resolve(
	ctx context.Context, to aggregate.Referred, ids []uuid.UUID,
) map[uuid.UUID]aggregate.Resolved {
	if _, local := r.registry.Local(to); local {
		return r.registry.Resolve(ctx, to, ids)
	}
	found := make(map[uuid.UUID]aggregate.Resolved, len(ids))
	var unknown []uuid.UUID
	for _, id := range ids {
		if object, ok := r.cache.get(to.Name, id); ok {
			found[id] = aggregate.Resolved{Object: object}
		} else {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		maps.Copy(found, r.ask(ctx, to.Name, unknown))
	}
	return found
}

// ask asks the service that has a root for all ids, some in each message. What
// one message fails with does not touch the others.
func (r resolver) ask(ctx context.Context, name string, ids []uuid.UUID) map[uuid.UUID]aggregate.Resolved {
	ctx, cancel := context.WithTimeout(ctx, referenceDeadline)
	defer cancel()
	flight := r.cache.depart(name)
	defer r.cache.land(flight)
	var mu sync.Mutex
	found := make(map[uuid.UUID]aggregate.Resolved, len(ids))
	var asking sync.WaitGroup
	slots := make(chan struct{}, requestsAtOnce)
	for some := range slices.Chunk(ids, requestSize) {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			results := r.request(ctx, flight, name, some)
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(found, results)
		})
	}
	asking.Wait()
	return found
}

// request asks for ids until the answers speak of them all.
func (r resolver) request(
	ctx context.Context, f *flight, name string, ids []uuid.UUID,
) map[uuid.UUID]aggregate.Resolved {
	found := make(map[uuid.UUID]aggregate.Resolved, len(ids))
	for len(ids) > 0 {
		answer, err := r.exchange(ctx, name, ids)
		if err == nil && len(answer.Rest) >= len(ids) {
			err = &unresolvedError{name: name, err: errors.New("the answer holds none of what was asked for")}
		}
		if err != nil {
			for _, id := range ids {
				found[id] = aggregate.Resolved{Err: err}
			}
			return found
		}
		r.take(f, ids, answer, found)
		ids = answer.Rest
	}
	return found
}

// take notes what an answer says of ids, and has the cache keep what it holds.
func (r resolver) take(
	f *flight, ids []uuid.UUID, answer snapshotsAnswer, found map[uuid.UUID]aggregate.Resolved,
) {
	for _, id := range ids { // the missing, and what the answer does not speak of
		if !slices.Contains(answer.Rest, id) {
			found[id] = aggregate.Resolved{Err: &aggregate.NotFoundError{Name: f.name, ID: id}}
		}
	}
	for _, id := range answer.Deleted {
		found[id] = aggregate.Resolved{Err: &aggregate.NotFoundError{Name: f.name, ID: id, Deleted: true}}
	}
	for _, failed := range answer.Failed {
		found[failed.UUID] = aggregate.Resolved{Err: &unresolvedError{name: f.name, err: errors.New(failed.Error)}}
	}
	for _, object := range answer.Objects {
		if id, ok := r.cache.take(f, object); ok {
			found[id] = aggregate.Resolved{Object: object}
		}
	}
}

func (r resolver) exchange(ctx context.Context, name string, ids []uuid.UUID) (answer snapshotsAnswer, err error) {
	reply, err := r.client.Request(ctx, snapshotsTopic(name), snapshotsRequest{UUIDs: ids})
	if err != nil {
		return answer, &unresolvedError{name: name, err: err}
	}
	var into any = &answer
	if bytes.HasPrefix(reply.Content, []byte("[")) {
		into = &answer.Objects // a Minos service, and a test in short, give the objects alone
	}
	if err := json.Unmarshal(reply.Content, into); err != nil {
		return answer, &unresolvedError{name: name, err: err}
	}
	return answer, nil
}

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
