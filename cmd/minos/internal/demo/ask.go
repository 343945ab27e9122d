package demo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// readPause is how long a read waits before it asks again.
const readPause = 50 * time.Millisecond

// created posts what makes something, and returns the uuid that is answered.
func (p *play) created(ctx context.Context, step *Step, path string, body any) (string, *fault) {
	if broken := ask(ctx, step, http.MethodPost, p.Foo+path, body); broken != nil {
		return "", broken
	}
	var answer struct {
		UUID string `json:"uuid"`
	}
	ok := step.Response.Status == http.StatusCreated || step.Response.Status == http.StatusOK
	if err := json.Unmarshal(step.Response.Body, &answer); err != nil || !ok || answer.UUID == "" {
		return "", &fault{"201 and a uuid", step.shown()}
	}
	return answer.UUID, nil
}

// heard waits until a service's handler has seen an event.
func (p *play) heard(ctx context.Context, step *Step, service, topic, uuid string) *fault {
	record, ok := p.Log.await(ctx, service, topic, uuid)
	if !ok {
		return &fault{
			fmt.Sprintf("%s to handle %s of %s within %s", service, topic, cmp.Or(uuid, "any aggregate"), p.Patience),
			"nothing of it in its log",
		}
	}
	step.Events = append(step.Events, Event{Service: service, Topic: topic, Text: record.Text("service")})
	return nil
}

// reads gets a foo until it is as it should be: the last answer stands in the
// step.
func (p *play) reads(ctx context.Context, step *Step, uuid, expected string, holds func(foo) bool) *fault {
	tick := time.NewTicker(readPause)
	defer tick.Stop()
	var broken *fault
	for {
		now := ask(ctx, step, http.MethodGet, p.Foo+"/foos/"+uuid, nil)
		if now == nil {
			if now = isFoo(step, uuid, expected, holds); now == nil {
				return nil
			}
		}
		if broken == nil || ctx.Err() == nil { // what our own deadline cut off says nothing
			broken = now
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return broken
		}
	}
}

func isFoo(step *Step, uuid, expected string, holds func(foo) bool) *fault {
	var got foo
	err := json.Unmarshal(step.Response.Body, &got)
	if err != nil || step.Response.Status != http.StatusOK || got.UUID != uuid || !holds(got) {
		return &fault{expected, step.shown()}
	}
	return nil
}

// ask makes a request and puts it into the step, with the answer.
func ask(ctx context.Context, step *Step, method, url string, body any) *fault {
	var content []byte
	if body != nil {
		content, _ = json.Marshal(body) // maps of strings always encode
	}
	step.Request = &Request{Method: method, URL: url, Body: content}
	response, err := do(ctx, step.Request)
	if err != nil {
		return &fault{"an answer", err.Error()}
	}
	step.Response = response
	return nil
}

func do(ctx context.Context, r *Request) (*Response, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	if len(r.Body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	if body = bytes.TrimSpace(body); !json.Valid(body) {
		body, _ = json.Marshal(string(body)) // strings always encode
	}
	return &Response{
		Status: response.StatusCode, ContentType: response.Header.Get("Content-Type"), Body: body,
	}, nil
}

// shown is the step's answer in one line.
func (s *Step) shown() string { return s.Response.StatusLine() + " " + string(s.Response.Body) }
