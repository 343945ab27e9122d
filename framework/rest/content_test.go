package rest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/rest"
)

// contents has a route for each kind of content.
type contents struct{}

type form struct {
	Name  string   `json:"name"`
	Age   int      `json:"age"`
	Tags  []string `json:"tags"`
	Inner struct{} `json:"inner"`
}

func (contents) Routes(r *cqrs.Commands) {
	cqrs.Command(r, func(_ context.Context, in form) (form, error) { return in, nil }, post("/form"))
	cqrs.Command(r, func(_ context.Context, in string) (cqrs.Text, error) { return cqrs.Text("«" + in + "»"), nil }, post("/text"))
	cqrs.Command(r, func(_ context.Context, in []byte) (cqrs.Binary, error) { return cqrs.Binary{Data: in}, nil }, post("/bytes"))
	cqrs.Command(r, func(context.Context, cqrs.None) (cqrs.Binary, error) {
		return cqrs.Binary{ContentType: "image/gif", Data: []byte("GIF")}, nil
	}, post("/image"))
	cqrs.Command(r, func(ctx context.Context, _ cqrs.None) (string, error) {
		return cqrs.RequestFrom(ctx).Query.Get("q") + cqrs.RequestFrom(ctx).Params["id"], nil
	}, post("/request/{id:[0-9]+}"))
}

func post(pattern string) cqrs.Route { return cqrs.REST(http.MethodPost, pattern) }

func TestServer_content(t *testing.T) {
	t.Parallel()
	server := serve(t, contents{}, rest.Config{})
	const forms, octets, text = "application/x-www-form-urlencoded", "application/octet-stream", "text/plain"
	for name, c := range map[string]struct {
		path, kind, body string
		status           int
		want, wantKind   string
	}{
		"a form fills a struct": {
			"/form", forms, "name=A%20b&age=7&tags=x&tags=y&other=1", 200,
			`{"name":"A b","age":7,"tags":["x","y"],"inner":{}}`, "application/json",
		},
		"a form's value that does not fit is 400":           {"/form", forms, "age=old", 400, `age: \"old\" is not a number`, ""},
		"a form has no objects":                             {"/form", forms, "inner=x", 400, "inner: a form cannot hold", ""},
		"a malformed form is 400":                           {"/form", forms, "a=%zz", 400, "not a form", ""},
		"text is the input that is a string":                {"/text", text + "; charset=utf-8", "hé\"", 200, "«hé\"»", "text/plain; charset=utf-8"},
		"JSON is as well":                                   {"/text", "application/json", `"hé"`, 200, "«hé»", "text/plain; charset=utf-8"},
		"text that is not UTF-8 is 400":                     {"/text", text, "\xff", 400, "not text in UTF-8", ""},
		"bytes are the input that is bytes":                 {"/bytes", octets, "\x00\xff", 200, "\x00\xff", octets},
		"so is any kind but JSON":                           {"/bytes", "image/png", "PNG", 200, "PNG", octets},
		"JSON has them in base64":                           {"/bytes", "application/json", `"AP8="`, 200, "\x00\xff", octets},
		"an answer has the kind that its handler has given": {"/image", "", "", 200, "GIF", "image/gif"},
		"bytes do not fill a struct":                        {"/form", octets, "\x00", 415, octets, ""},
		"a form is no string":                               {"/text", forms, "a=b", 415, forms, ""},
		"the request itself is in the context":              {"/request/7?q=a", "", "", 200, `"a7"`, "application/json"},
		"a parameter that its expression refuses is 404":    {"/request/x", "", "", 404, "nothing at this path", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, strings.NewReader(c.body))
			request.Header.Set("Content-Type", c.kind)
			answer := httptest.NewRecorder()
			server.ServeHTTP(answer, request)
			kind, body := answer.Header().Get("Content-Type"), answer.Body.String()
			if c.status >= http.StatusBadRequest {
				c.wantKind = "application/problem+json"
			} else if body = strings.TrimSuffix(body, "\n"); body != c.want {
				t.Errorf("answered %q", body)
			}
			if answer.Code != c.status || kind != c.wantKind || !strings.Contains(body, c.want) {
				t.Errorf("answered %d %s: %s", answer.Code, kind, body)
			}
		})
	}
}

func TestServer_otherSites(t *testing.T) {
	t.Parallel()
	server := serve(t, contents{}, rest.Config{})
	for site, status := range map[string]int{"cross-site": 403, "same-origin": 200, "": 200} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/text", strings.NewReader("a"))
		request.Header.Set("Content-Type", "text/plain")
		request.Header.Set("Sec-Fetch-Site", site)
		answer := httptest.NewRecorder()
		server.ServeHTTP(answer, request)
		if answer.Code != status {
			t.Errorf("%s: answered %d %s", site, answer.Code, answer.Body)
		}
	}
}
