package cqrs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"

	"github.com/google/uuid"
)

// Request is what a handler is asked, however it came.
type Request struct {
	Content []byte // empty is none
	// ContentType says what Content is: JSON when it is empty, which it is over
	// the broker, or a media type as of HTTP; see bind.
	ContentType string
	Params      map[string]string // of the path
	Query       url.Values
	Headers     map[string]string // that travel on with what the handler sends
}

type requestKey struct{}

// RequestFrom returns the request that the handler called with ctx was asked,
// for what its input does not hold; the zero Request outside a handler.
func RequestFrom(ctx context.Context) Request {
	request, _ := ctx.Value(requestKey{}).(Request)
	return request
}

// Response is what a handler answers.
type Response struct {
	Status  int
	Content json.RawMessage // nil is none
	// Body and its ContentType stand for Content over HTTP, where an output is
	// not JSON; ContentType is empty for every other.
	Body        []byte
	ContentType string
}

// Text is the output of a handler that answers plain text: text/plain over HTTP,
// a JSON string over the broker.
type Text string

// Binary is the output of a handler that answers with bytes: as they are, over
// HTTP, and as a JSON string in base64 over the broker.
type Binary struct {
	ContentType string // empty is application/octet-stream
	Data        []byte
}

// MarshalJSON returns the data in base64.
func (b Binary) MarshalJSON() ([]byte, error) { return json.Marshal(b.Data) }

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
	switch out := out.(type) {
	case Text:
		response.Body, response.ContentType = []byte(out), "text/plain; charset=utf-8"
	case Binary:
		response.Body, response.ContentType = out.Data, cmp.Or(out.ContentType, octets)
	}
	if s, ok := out.(StatusCoder); ok {
		response.Status = s.StatusCode()
	}
	return response, nil
}
