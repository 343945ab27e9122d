package minostest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Service is a service that runs in a System.
type Service struct {
	System *System

	handler http.Handler
}

// Get asks by HTTP.
func (s *Service) Get(path string) Response {
	s.System.t.Helper()
	return s.Do(http.MethodGet, path, nil)
}

// Post sends a body, any value that encodes to JSON, by HTTP.
func (s *Service) Post(path string, body any) Response {
	s.System.t.Helper()
	return s.Do(http.MethodPost, path, body)
}

// Do makes a request by HTTP. A nil body sends none.
func (s *Service) Do(method, path string, body any) Response {
	t := s.System.t
	t.Helper()
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	request := httptest.NewRequestWithContext(t.Context(), method, path, &content)
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, request)
	return Response{t: t, request: method + " " + path, Status: answer.Code, Body: answer.Body.Bytes()}
}

// Response is what a service answered by HTTP.
type Response struct {
	t       testing.TB
	request string

	Status int
	Body   []byte
}

// Want ends the test unless the answer has a status.
func (r Response) Want(status int) Response {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("%s answered %d, not %d: %s", r.request, r.Status, status, r.Body)
	}
	return r
}

// Decode reads the answer's JSON into v, a pointer.
func (r Response) Decode(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		r.t.Fatalf("%s answered %s: %v", r.request, r.Body, err)
	}
}
