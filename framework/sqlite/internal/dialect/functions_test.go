package dialect_test

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"testing"

	"github.com/minos-framework/minos-go/framework/query"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/dialect"
)

// connect opens a database in memory that has the functions.
func connect(tb testing.TB) *sql.DB {
	tb.Helper()
	connector, err := dialect.Connector(":memory:")
	if err != nil {
		tb.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1) // each connection would have a database of its own
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// key returns what minos_key returns.
func key(t *testing.T, db *sql.DB, path string, kind query.Kind, data any) (key []byte) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT minos_key(?, ?, ?)", path, int(kind), data).Scan(&key); err != nil {
		t.Fatalf("the key of %s in %v: %v", path, data, err)
	}
	return key
}

func TestConnector_key(t *testing.T) {
	t.Parallel()
	db := connect(t)
	t.Run("is what files have in their indexes", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			path string
			kind query.Kind
			data any
			want string // for ever
		}{
			{"item", query.Text, `{"item":"pen"}`, "0170656e"},
			{"item.name", query.Text, `{"item":{"name":""}}`, "01"},
			{"item", query.Text, []byte(`{"item":"pen"}`), "0170656e"},
			{"item", query.Text, `{"item":null}`, "02"},
			{"item", query.Text, `{"item":7}`, "02"},
			{"item", query.Text, `{}`, "02"},
			{"item", query.Text, nil, "02"},
		} {
			if got := hex.EncodeToString(key(t, db, c.path, c.kind, c.data)); got != c.want {
				t.Errorf("the key of %s in %v is %s, not %s", c.path, c.data, got, c.want)
			}
		}
	})
	t.Run("orders as the values do, null last", func(t *testing.T) {
		t.Parallel()
		for kind, ascending := range map[query.Kind][]string{
			query.Number:  {"-1e30", "-10", "-9.5", "0", "0.25", "9007199254740992", "9007199254740993", "null"},
			query.Text:    {`""`, `"A"`, `"a"`, `"aa"`, `"é"`, `"😀"`, "null"},
			query.Bool:    {"false", "true", "null"},
			query.Time:    {`"1969-12-31T23:59:59Z"`, `"2024-05-01T01:00:00+02:00"`, `"2024-05-01T00:00:00Z"`, "null"},
			query.Decimal: {`"-0.3"`, `"0.1"`, `"0.11"`, `"2"`, `"10"`, "null"},
		} {
			var last []byte
			for i, value := range ascending {
				next := key(t, db, "v", kind, `{"v":`+value+`}`)
				if i > 0 && bytes.Compare(last, next) >= 0 {
					t.Errorf("%s: %s has the key %x, which is not above %x", kind, value, next, last)
				}
				last = next
			}
		}
	})
}

func TestConnector_conditions(t *testing.T) {
	t.Parallel()
	db := connect(t)
	for _, c := range []struct {
		text string
		args []any
		want bool
	}{
		{"minos_like(minos_key('v', ?, ?), ?)", []any{int(query.Text), `{"v":"pencil"}`, "pen%"}, true},
		{"minos_like(minos_key('v', ?, ?), ?)", []any{int(query.Text), `{"v":"pencil"}`, "PEN%"}, false},
		{"minos_like(minos_key('v', ?, ?), ?)", []any{int(query.Text), `{"v":""}`, ""}, true},
		{"minos_like(minos_key('v', ?, ?), ?)", []any{int(query.Text), `{"v":null}`, "%"}, false},
		{"minos_like(NULL, ?)", []any{"%"}, false},
		{"minos_contains('v', ?, ?)", []any{`{"v":[1,2]}`, "[2]"}, true},
		{"minos_contains('v', ?, ?)", []any{`{"v":[1,2]}`, "3"}, false},
		{"minos_contains('v.w', ?, ?)", []any{`{"v":{"w":{"x":1,"y":2}}}`, `{"y":2}`}, true},
		{"minos_contains('v', ?, ?)", []any{`{"v":null}`, "null"}, false},
		{"minos_contains('v', NULL, ?)", []any{"1"}, false},
	} {
		var got bool
		if err := db.QueryRowContext(t.Context(), "SELECT "+c.text, c.args...).Scan(&got); err != nil || got != c.want {
			t.Errorf("%s of %v: %t, %v", c.text, c.args, got, err)
		}
	}
}
