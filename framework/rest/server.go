// Package rest serves a service's handlers over HTTP: JSON in and out, or forms,
// text and bytes where a handler takes or answers them, errors as problem
// documents (RFC 9457), and the service's health.
package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"github.com/minos-framework/minos-go/framework/cqrs"
)

// Config says where and how to serve.
type Config struct {
	// Address is the host and port to listen on; ":0" picks a port.
	Address string
	// MaxBody bounds the size of a request's body in bytes. Zero means 4 MiB.
	MaxBody int64
	// Health answers GET /system/health.
	Health *Health
	// Base is put under every request's context: what handlers find there
	// beside their unit of work. Nil means nothing.
	Base func(ctx context.Context) context.Context
	// Logger gets what callers are not told. Nil means slog.Default.
	Logger *slog.Logger
}

// Server serves the routes of a dispatcher. Make one by New, call Listen, then
// Serve; Shutdown may be called at any time.
type Server struct {
	dispatcher *cqrs.Dispatcher
	config     Config
	http       *http.Server
	stop       context.CancelFunc // ends the contexts of requests
	listener   net.Listener
}

// New returns a server for all handlers of the dispatcher that have paths. A
// pattern that is not valid is an error that names its handler's place.
func New(dispatcher *cqrs.Dispatcher, config Config) (*Server, error) {
	config.MaxBody = cmp.Or(config.MaxBody, 4<<20)
	config.Logger = cmp.Or(config.Logger, slog.Default())
	s := &Server{dispatcher: dispatcher, config: config}
	router := mux.NewRouter()
	router.NotFoundHandler = problemHandler(http.StatusNotFound, "there is nothing at this path")
	router.MethodNotAllowedHandler = problemHandler(http.StatusMethodNotAllowed, "this path has other methods")
	if config.Health != nil {
		router.Handle("/system/health", config.Health).Methods(http.MethodGet)
	}
	for _, literal := range []bool{true, false} { // mux takes the first match: /foos/example before /foos/{uuid}
		for _, h := range dispatcher.Router().Handlers() {
			for _, p := range h.Paths {
				if strings.Contains(p.Pattern, "{") == literal {
					continue
				}
				route := router.Handle(p.Pattern, s.handler(h)).Methods(p.Method)
				if err := route.GetError(); err != nil {
					return nil, fmt.Errorf("%s: %s %s: %w", h.Place, p.Method, p.Pattern, err)
				}
			}
		}
	}
	// A page of another site must not have a browser decide things here: forms
	// and plain text are sent without asking first.
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(problemHandler(http.StatusForbidden, "a page of another site must not ask for this"))
	running, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.http = &http.Server{
		BaseContext:       func(net.Listener) context.Context { return running },
		Handler:           origins.Handler(router),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(config.Logger.Handler(), slog.LevelWarn),
	}
	return s, nil
}

// Listen takes the port. Requests wait from then on until Serve is called.
func (s *Server) Listen(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.config.Address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.config.Address, err)
	}
	s.listener = listener
	return nil
}

// Addr is the address that Listen has taken.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers requests until Shutdown, and returns nil then.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

// Shutdown takes no more requests and waits for those that run. When ctx ends
// first, it ends their contexts and connections, and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		s.stop()
		return errors.Join(err, s.http.Close())
	}
	return nil
}

// ServeHTTP answers one request, as tests need it without a port.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.http.Handler.ServeHTTP(w, r) }

// handler answers requests of one route.
func (s *Server) handler(h *cqrs.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, err := s.read(w, r)
		if err != nil {
			writeProblem(w, cqrs.ProblemOf(err))
			return
		}
		ctx := r.Context()
		if s.config.Base != nil {
			ctx = s.config.Base(ctx)
		}
		response, err := s.dispatcher.Call(ctx, h, cqrs.Request{
			Content: content, ContentType: r.Header.Get("Content-Type"),
			Params: mux.Vars(r), Query: r.URL.Query(), Headers: travelling(r.Header),
		})
		if err != nil {
			s.fail(w, r, h, err)
			return
		}
		write(w, response)
	})
}

// read returns the body.
func (s *Server) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	content, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.config.MaxBody))
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, cqrs.Errorf(http.StatusRequestEntityTooLarge, "the content is longer than %d bytes", tooLong.Limit)
	}
	if err != nil {
		return nil, cqrs.Errorf(http.StatusBadRequest, "the content ended too early: %w", err)
	}
	return content, nil
}

// travelling picks the headers that go on with all that a request leads to: the
// trace context. Who the caller is comes from the gateway, and not from here.
func travelling(header http.Header) map[string]string {
	headers := map[string]string{}
	for _, name := range []string{"Traceparent", "Tracestate"} {
		if value := header.Get(name); value != "" {
			headers[strings.ToLower(name)] = value
		}
	}
	return headers
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, h *cqrs.Handler, err error) {
	if r.Context().Err() != nil {
		return // nobody is there to be told
	}
	problem := cqrs.ProblemOf(err)
	if problem.Status >= http.StatusInternalServerError {
		s.config.Logger.ErrorContext(r.Context(), "a handler broke",
			"kind", h.Kind, "place", h.Place, "method", r.Method, "path", r.URL.Path, "error", err)
	}
	writeProblem(w, problem)
}

func write(w http.ResponseWriter, r cqrs.Response) {
	if r.ContentType != "" {
		w.Header().Set("Content-Type", r.ContentType)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.WriteHeader(r.Status)
		_, _ = w.Write(r.Body)
		return
	}
	if r.Content == nil {
		w.WriteHeader(r.Status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.Status)
	_, _ = w.Write(append(r.Content, '\n')) // the client is gone: nothing is to be done
}

func writeProblem(w http.ResponseWriter, p cqrs.Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func problemHandler(status int, detail string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, cqrs.ProblemOf(&cqrs.Error{Status: status, Detail: detail}))
	})
}
