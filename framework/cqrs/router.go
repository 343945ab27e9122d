package cqrs

import (
	"errors"
	"fmt"
	"slices"
)

// CommandService has handlers for commands and events.
type CommandService interface{ Routes(r *Commands) }

// QueryService has handlers for queries and events.
type QueryService interface{ Routes(r *Queries) }

// Router knows which handlers a topic or path leads to.
type Router struct {
	handlers []*Handler
	topics   map[string][]*Handler
}

// NewRouter collects the handlers of services, each a CommandService or a
// QueryService. It returns all faults of the registrations at once, each with
// its place.
func NewRouter(services ...any) (*Router, error) {
	r := &Router{topics: map[string][]*Handler{}}
	var faults []error
	for _, service := range services {
		switch s := service.(type) {
		case CommandService:
			var commands Commands
			s.Routes(&commands)
			r.handlers = append(r.handlers, commands.handlers...)
		case QueryService:
			var queries Queries
			s.Routes(&queries)
			r.handlers = append(r.handlers, queries.handlers...)
		default:
			faults = append(faults, fmt.Errorf(
				"%T has no Routes(*cqrs.Commands) and no Routes(*cqrs.Queries)", service))
		}
	}
	faults = append(faults, r.index()...)
	if len(faults) > 0 {
		return nil, fmt.Errorf("routes: %w", errors.Join(faults...))
	}
	return r, nil
}

func (r *Router) index() []error {
	var faults []error
	paths, tasks := map[string]*Handler{}, map[string]*Handler{}
	for _, h := range r.handlers {
		for _, err := range h.faults {
			faults = append(faults, fmt.Errorf("%s: %s: %w", h.Place, h.Kind, err))
		}
		for _, topic := range h.Topics {
			if first := r.clash(topic, h); first != nil {
				faults = append(faults, fmt.Errorf("%s: topic %s is the %s of %s already",
					h.Place, topic, first.Kind, first.Place))
				continue
			}
			r.topics[topic] = append(r.topics[topic], h)
		}
		if h.Schedule != nil {
			if first, ok := tasks[h.Schedule.Name]; ok {
				faults = append(faults, fmt.Errorf("%s: task %q is the one of %s already",
					h.Place, h.Schedule.Name, first.Place))
			}
			tasks[h.Schedule.Name] = h
		}
		for _, p := range h.Paths {
			key := p.Method + " " + p.Pattern
			if first, ok := paths[key]; ok {
				faults = append(faults, fmt.Errorf("%s: %s is the %s of %s already",
					h.Place, key, first.Kind, first.Place))
				continue
			}
			paths[key] = h
		}
	}
	return faults
}

// clash returns the handler that keeps h from topic: only events may have
// several.
func (r *Router) clash(topic string, h *Handler) *Handler {
	for _, other := range r.topics[topic] {
		if h.Kind != KindEvent || other.Kind != KindEvent {
			return other
		}
	}
	return nil
}

// Handlers lists all handlers in the order of registration.
func (r *Router) Handlers() []*Handler { return slices.Clone(r.handlers) }

// Topics lists the topics to subscribe to, sorted.
func (r *Router) Topics() []string {
	topics := make([]string, 0, len(r.topics))
	for topic := range r.topics {
		topics = append(topics, topic)
	}
	slices.Sort(topics)
	return topics
}
