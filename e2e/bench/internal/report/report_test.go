package report_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
)

func ExampleWriteTable() {
	rows := []report.Row{
		report.Row{Row: "CLI start", Value: 4.25, Unit: "ms"}.AtMost(10),
		report.Row{Row: "POST /foos", Value: 5000, Unit: "/s"}.Against("Minos", 52.6).RatioAtLeast(100),
		{Row: "idle", Value: 12345.6, Unit: "kB"},
	}
	if err := report.WriteTable(os.Stdout, rows); err != nil {
		panic(err)
	}
	// Output:
	// | row        | value    | anchor         | ratio | goal         |            |
	// |------------|----------|----------------|-------|--------------|------------|
	// | CLI start  | 4.25 ms  |                |       | <= 10 ms     | holds      |
	// | POST /foos | 5000 /s  | Minos: 52.6 /s | 95.1  | ratio >= 100 | **misses** |
	// | idle       | 12346 kB |                |       |              |            |
}

func TestRow(t *testing.T) {
	t.Parallel()
	row := report.Row{Value: 10, Unit: "ms"}
	for name, c := range map[string]struct {
		row   report.Row
		goal  string
		holds bool
	}{
		"at most, and it is":           {row.AtMost(10), "<= 10 ms", true},
		"at most, and it is not":       {row.AtMost(9.99), "<= 9.99 ms", false},
		"at least, and it is":          {row.AtLeast(10), ">= 10 ms", true},
		"at least, and it is not":      {row.AtLeast(11), ">= 11 ms", false},
		"a ratio, and it is":           {row.Against("a", 20).RatioAtLeast(0.5), "ratio >= 0.5", true},
		"a ratio, and it is not":       {row.Against("a", 20).RatioAtLeast(0.75), "ratio >= 0.75", false},
		"a ratio to an anchor of zero": {row.Against("a", 0).RatioAtLeast(1), "ratio >= 1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.row.Goal != c.goal || c.row.Holds == nil || *c.row.Holds != c.holds {
				t.Errorf("got %+v", c.row)
			}
		})
	}
	t.Run("leaves the row that it was made from", func(t *testing.T) {
		t.Parallel()
		if row.Goal != "" || row.Holds != nil || row.Anchor != "" {
			t.Errorf("got %+v", row)
		}
	})
}

func TestWriteJSON(t *testing.T) {
	t.Parallel()
	t.Run("has every key in every row", func(t *testing.T) {
		t.Parallel()
		var text strings.Builder
		if err := report.WriteJSON(&text, []report.Row{{Row: "a"}, report.Row{Row: "b", Value: 1}.AtMost(2)}); err != nil {
			t.Fatal(err)
		}
		var rows []map[string]any
		if err := json.Unmarshal([]byte(text.String()), &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			for _, key := range []string{"row", "value", "unit", "anchor", "anchor_value", "ratio", "goal", "holds"} {
				if _, ok := row[key]; !ok {
					t.Errorf("%v has no %s", row, key)
				}
			}
		}
		if rows[0]["holds"] != nil || rows[1]["holds"] != true {
			t.Errorf("holds: %v, %v", rows[0]["holds"], rows[1]["holds"])
		}
	})
	t.Run("writes no rows as an empty array", func(t *testing.T) {
		t.Parallel()
		var text strings.Builder
		if err := report.WriteJSON(&text, nil); err != nil || strings.TrimSpace(text.String()) != "[]" {
			t.Errorf("got %q, %v", text.String(), err)
		}
	})
}
