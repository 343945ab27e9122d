// Package report holds measured numbers beside what they are held against, and
// writes them as a table for people and as JSON for programs.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Row is one measured number. Its methods return a changed copy.
type Row struct {
	Row   string  `json:"row"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Anchor is what the value is compared with: a peer, or a limit measured in
	// the same run. Empty means nothing; AnchorValue and Ratio are 0 then.
	Anchor      string  `json:"anchor"`
	AnchorValue float64 `json:"anchor_value"`
	// Ratio is the value divided by the anchor's.
	Ratio float64 `json:"ratio"`
	// Goal says what is wanted, as "<= 50 ms" or "ratio >= 100". Empty means
	// that nothing is; Holds is nil then.
	Goal  string `json:"goal"`
	Holds *bool  `json:"holds"`
}

// Against compares the row with an anchor.
func (r Row) Against(anchor string, value float64) Row {
	r.Anchor, r.AnchorValue = anchor, value
	if value != 0 {
		r.Ratio = r.Value / value
	}
	return r
}

// AtMost sets the goal that the value is not above a bound.
func (r Row) AtMost(bound float64) Row {
	return r.goal(strings.TrimSpace("<= "+number(bound)+" "+r.Unit), r.Value <= bound)
}

// AtLeast sets the goal that the value is not below a bound.
func (r Row) AtLeast(bound float64) Row {
	return r.goal(strings.TrimSpace(">= "+number(bound)+" "+r.Unit), r.Value >= bound)
}

// RatioAtLeast sets the goal that the ratio is not below a bound. It follows
// Against.
func (r Row) RatioAtLeast(bound float64) Row {
	return r.goal("ratio >= "+number(bound), r.Ratio >= bound)
}

// goal adds a goal to those that the row has: it holds when all do.
func (r Row) goal(text string, holds bool) Row {
	if r.Holds != nil {
		text, holds = r.Goal+", "+text, *r.Holds && holds
	}
	r.Goal, r.Holds = text, &holds
	return r
}

// verdict is the last cell of the row's line.
func (r Row) verdict() string {
	switch {
	case r.Holds == nil:
		return ""
	case *r.Holds:
		return "holds"
	default:
		return "**misses**"
	}
}

// WriteTable writes rows as a Markdown table.
func WriteTable(w io.Writer, rows []Row) error {
	lines := [][]string{{"row", "value", "anchor", "ratio", "goal", ""}}
	for _, r := range rows {
		anchor, ratio := r.Anchor, ""
		if r.Anchor != "" {
			anchor += ": " + measure(r.AnchorValue, r.Unit)
			ratio = number(r.Ratio)
		}
		lines = append(lines, []string{r.Row, measure(r.Value, r.Unit), anchor, ratio, r.Goal, r.verdict()})
	}
	widths := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, cell := range cells {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var text strings.Builder
	for n, cells := range lines {
		for i, cell := range cells {
			fmt.Fprintf(&text, "| %-*s ", widths[i], cell)
		}
		text.WriteString("|\n")
		if n > 0 {
			continue
		}
		for _, width := range widths {
			text.WriteString("|" + strings.Repeat("-", width+2))
		}
		text.WriteString("|\n")
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// WriteJSON writes rows as a JSON array.
func WriteJSON(w io.Writer, rows []Row) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if rows == nil {
		rows = []Row{}
	}
	if err := encoder.Encode(rows); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return nil
}

func measure(value float64, unit string) string { return strings.TrimSpace(number(value) + " " + unit) }

// number writes three significant digits, and all of those before the point.
func number(value float64) string {
	if value == 0 || math.IsInf(value, 0) || math.IsNaN(value) {
		return strconv.FormatFloat(value, 'g', -1, 64)
	}
	decimals := max(0, 2-int(math.Floor(math.Log10(math.Abs(value)))))
	text := strconv.FormatFloat(value, 'f', decimals, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
