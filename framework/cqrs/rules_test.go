package cqrs_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/domain"
)

// order is a request with rules.
type order struct {
	Paging
	Buyer string   `json:"buyer" required:"true"`
	Code  string   `json:"code"`
	Lines []line   `json:"lines"`
	Note  string   `json:"note" default:"none"`
	Extra any      `json:"extra,omitempty"`
	Tags  []string `json:"tags,omitempty" query:"tag"`
}

// Paging is shared by requests.
type Paging struct {
	Size int `json:"size" default:"20"`
}

type line struct {
	Price float64 `json:"price"`
	Count int     `json:"count"`
}

func (order) ParseCode(raw json.RawMessage) (string, error) {
	var text string
	err := json.Unmarshal(raw, &text)
	return strings.ToUpper(text), err
}

func (order) ValidateTags(tags []string) error {
	if len(tags) > 2 {
		return errors.New("two tags are enough")
	}
	return nil
}

func (line) ValidateCount(count int) error {
	if count < 0 {
		return errors.New("it is below zero")
	}
	return nil
}

func TestCommand_rules(t *testing.T) {
	t.Parallel()
	place := func(t *testing.T, request cqrs.Request) (got order, err error) {
		t.Helper()
		b := setup(t, func(_ bundle, c *cqrs.Commands) {
			cqrs.Command(c, func(_ context.Context, in order) (cqrs.None, error) {
				got = in
				return cqrs.None{}, nil
			}, cqrs.REST(http.MethodPut, "/orders"))
		})
		_, err = b.call(t, request)
		return got, err
	}
	t.Run("parses and fills in the request before the handler sees it", func(t *testing.T) {
		t.Parallel()
		content := []byte(`{"buyer":"me","code":"ab","lines":[{"price":1.5}],"extra":9007199254740993}`)
		got, err := place(t, cqrs.Request{Content: content})
		if err != nil {
			t.Fatal(err)
		}
		if got.Code != "AB" || got.Note != "none" || got.Size != 20 || got.Lines[0].Count != 0 ||
			got.Extra != json.Number("9007199254740993") {
			t.Errorf("the handler got %+v", got)
		}
	})
	t.Run("tells all that is wrong at once, with paths", func(t *testing.T) {
		t.Parallel()
		_, err := place(t, cqrs.Request{Content: []byte(`{"code":7,"lines":[{},{"price":"x"},{"count":-1}],"size":"a"}`)})
		p := cqrs.ProblemOf(err)
		want := map[string]domain.Reason{
			"code": domain.Unparsable, "lines[1].price": domain.Mistyped, "lines[2].count": domain.Invalid,
			"size": domain.Mistyped, "buyer": domain.Missing,
		}
		if p.Status != http.StatusBadRequest || len(p.Errors) != len(want) {
			t.Errorf("told is %s", p.JSON())
		}
		for _, fault := range p.Errors {
			if want[fault.Path] != fault.Reason {
				t.Errorf("%s is %s", fault.Path, fault.Reason)
			}
		}
	})
	t.Run("holds what comes from the path and the query to the rules too", func(t *testing.T) {
		t.Parallel()
		_, err := place(t, cqrs.Request{Content: []byte(`{"buyer":"me"}`), Query: url.Values{"tag": {"a", "b", "c"}}})
		if err == nil || !strings.Contains(err.Error(), "two tags are enough") {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestCommand_dynamic takes content whose form is known at run time only.
func TestCommand_dynamic(t *testing.T) {
	t.Parallel()
	var got map[string]any
	b := setup(t, func(_ bundle, c *cqrs.Commands) {
		cqrs.Command(c, func(_ context.Context, in map[string]any) (map[string]any, error) {
			got = in
			return map[string]any{"echo": in["n"]}, nil
		}, cqrs.REST(http.MethodPut, "/anything"))
	})
	response, err := b.call(t, cqrs.Request{Content: []byte(`{"n":9007199254740993,"deep":{"list":[1,"a",null]}}`)})
	if err != nil || string(response.Content) != `{"echo":9007199254740993}` {
		t.Errorf("the answer is %s, %v", response.Content, err)
	}
	if list := got["deep"].(map[string]any)["list"].([]any); len(list) != 3 || list[1] != "a" {
		t.Errorf("the handler got %v", got)
	}
}

// TestQuery_defaults has a query's values in place of the default, not behind it.
func TestQuery_defaults(t *testing.T) {
	t.Parallel()
	type search struct {
		Sorts []string `json:"sorts" query:"sort" default:"[\"name\"]"`
	}
	var got []string
	b := setup(t, func(bundle, *cqrs.Commands) {}, func(_ bundle, q *cqrs.Queries) {
		cqrs.Query(q, func(_ context.Context, in search) (cqrs.None, error) {
			got = in.Sorts
			return cqrs.None{}, nil
		}, cqrs.REST(http.MethodGet, "/orders"))
	})
	for query, want := range map[string]string{"": "name", "sort=age&sort=size": "age size"} {
		values, _ := url.ParseQuery(query)
		if _, err := b.call(t, cqrs.Request{Query: values}); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, %v", query, got, err)
		}
	}
}
