package cqrs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"

	"github.com/google/uuid"
)

// Request is what a handler is asked, however it came.
type Request struct {
	Content []byte            // JSON; empty is none
	Params  map[string]string // of the path
	Query   url.Values
	Headers map[string]string // that travel on with what the handler sends
}

// Response is what a handler answers.
type Response struct {
	Status  int
	Content json.RawMessage // nil is none
}

// Created answers 201 and the uuid of what a command made.
type Created struct {
	UUID uuid.UUID `json:"uuid"`
}

// StatusCode is 201.
func (Created) StatusCode() int { return http.StatusCreated }

// StatusCoder is implemented by outputs and errors that choose their status.
type StatusCoder interface{ StatusCode() int }

// respond encodes a handler's output: None is 204 without content, an output
// that is a StatusCoder has its status, any other is 200.
func respond(out any) (Response, error) {
	if _, ok := out.(None); ok {
		return Response{Status: http.StatusNoContent}, nil
	}
	content, err := json.Marshal(out)
	if err != nil {
		return Response{}, fmt.Errorf("encode the answer %s: %w", reflect.TypeOf(out), err)
	}
	response := Response{Status: http.StatusOK, Content: content}
	if s, ok := out.(StatusCoder); ok {
		response.Status = s.StatusCode()
	}
	return response, nil
}
