package scaffold_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/scaffold"
)

func name(t *testing.T, s string) scaffold.Name {
	t.Helper()
	n, err := scaffold.ParseName(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestParseName_faults(t *testing.T) {
	t.Parallel()
	for bad, want := range map[string]string{
		"":                      "is empty",
		"my shop":               "has a space",
		"a\tb":                  "has a space",
		"a/b":                   "has a slash",
		`a\b`:                   "has a slash",
		"Shop":                  "did you mean shop?",
		"..":                    "is a path",
		"../shop":               "is a path",
		".":                     "is a path",
		"func":                  "func is a keyword of Go",
		"go-to":                 "goto is a keyword of Go",
		"error":                 "error has a meaning of its own",
		"main":                  "main has a meaning of its own",
		strings.Repeat("a", 80): "has 80 characters; 40 is the most",
		"1shop":                 "does not start with a letter",
		"-shop":                 "does not start with a letter",
		"shop-":                 "joins nothing",
		"a--b":                  "joins nothing",
		"shop_a":                "has a '_'",
		"café":                  "has a 'é'",
	} {
		t.Run(bad, func(t *testing.T) {
			t.Parallel()
			_, err := scaffold.ParseName(bad)
			if e, ok := errors.AsType[*scaffold.NameError](err); !ok || !strings.Contains(e.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}

func TestName_forms(t *testing.T) {
	t.Parallel()
	n := name(t, "order-line")
	for got, want := range map[string]string{
		n.String(): "order-line", n.Package(): "orderline", n.Type(): "OrderLine", n.Variable(): "orderLine",
		n.Snake(): "order_line", n.Shout(): "ORDER_LINE", n.Database(): "order_line_db",
		n.Plural().String(): "order-lines", n.Plural().Type(): "OrderLines",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for one, many := range map[string]string{
		"category": "categories", "box": "boxes", "day": "days", "branch": "branches",
	} {
		if got := name(t, one).Plural().String(); got != many {
			t.Errorf("got %s, want %s", got, many)
		}
	}
}

func TestParseName_keepsWhatItAccepts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-z0-9A-Z./ -]{0,12}`).Draw(t, "name")
		if n, err := scaffold.ParseName(s); err == nil && n.String() != s {
			t.Errorf("%q became %q", s, n)
		}
	})
}
