package query

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/minos-framework/minos-go/framework/unit"
)

// Match reports whether s is one that the selection's name, ids and conditions
// ask for, whatever its order, position and limit.
func (s Selection) Match(snapshot unit.Snapshot) bool {
	if snapshot.Deleted() || snapshot.Name != s.Name || s.IDs != nil && !slices.Contains(s.IDs, snapshot.Aggregate) {
		return false
	}
	r := &record{Snapshot: snapshot}
	for _, c := range s.Where {
		if !c.holds(r) {
			return false
		}
	}
	return true
}

func (c Condition) holds(r *record) bool {
	switch c.Op {
	case OpTrue:
		return true
	case OpAnd:
		return !slices.ContainsFunc(c.Of, func(part Condition) bool { return !part.holds(r) })
	case OpOr:
		return slices.ContainsFunc(c.Of, func(part Condition) bool { return part.holds(r) })
	case OpNot:
		return !c.Of[0].holds(r)
	case OpFalse:
		return false
	}
	value := r.value(c.Path)
	if value.Null() && c.Op != OpEqual && c.Op != OpIn {
		return false
	}
	switch c.Op {
	case OpEqual, OpIn:
		return slices.ContainsFunc(c.Values, func(v Value) bool { return v.kind == value.kind && v.key == value.key })
	case OpLike:
		return Likeness(value.Text(), c.Values[0].Text())
	case OpContains:
		return Containment(value, c.Values[0])
	}
	order := cmp.Compare(value.key, c.Values[0].key)
	switch c.Op {
	case OpLower:
		return order < 0
	case OpLowerEqual:
		return order <= 0
	case OpGreater:
		return order > 0
	}
	return order >= 0 // OpGreaterEqual
}

// Likeness reports whether a text is like a pattern (see Like).
func Likeness(text, pattern string) bool {
	parts, err := parsePattern(pattern)
	return err == nil && alike(text, parts)
}

// The marks that parsePattern puts for % and _: no text has them as runes.
const (
	anything rune = -1 - iota
	anyone
)

var errPattern = errors.New("it ends in a backslash that has nothing after it")

func parsePattern(pattern string) ([]rune, error) {
	var parts []rune
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
			continue
		case r == '%':
			r = anything
		case r == '_':
			r = anyone
		}
		parts = append(parts, r)
	}
	if escaped {
		return nil, errPattern
	}
	return parts, nil
}

// alike goes back to the last % only, so that its steps are bounded by the
// product of both lengths.
func alike(text string, parts []rune) bool {
	i, retry, resume := 0, -1, ""
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case i < len(parts) && parts[i] == anything:
			retry, resume = i, text
			i++
		case i < len(parts) && (parts[i] == anyone || parts[i] == r):
			i, text = i+1, text[size:]
		case retry >= 0:
			_, size := utf8.DecodeRuneInString(resume)
			resume = resume[size:]
			i, text = retry+1, resume
		default:
			return false
		}
	}
	return !slices.ContainsFunc(parts[i:], func(r rune) bool { return r != anything })
}

// Containment reports whether a value contains another (see Contains).
func Containment(value, other Value) bool {
	if list, ok := value.tree.([]any); ok && scalar(other.tree) {
		return hasEqual(list, other.tree)
	}
	return contains(value.tree, other.tree)
}

func contains(whole, part any) bool {
	switch p := part.(type) {
	case map[string]any:
		w, ok := whole.(map[string]any)
		if !ok {
			return false
		}
		for key, member := range p {
			if own, ok := w[key]; !ok || !contains(own, member) {
				return false
			}
		}
		return true
	case []any:
		w, ok := whole.([]any)
		return ok && !slices.ContainsFunc(p, func(item any) bool {
			if scalar(item) {
				return !hasEqual(w, item)
			}
			return !slices.ContainsFunc(w, func(own any) bool { return contains(own, item) })
		})
	}
	return sameTree(whole, part)
}

func hasEqual(list []any, item any) bool {
	return slices.ContainsFunc(list, func(own any) bool { return sameTree(own, item) })
}

func sameTree(a, b any) bool {
	if _, ok := a.(json.Number); !ok && scalar(a) && scalar(b) {
		return a == b
	}
	return string(appendCanonical(nil, a)) == string(appendCanonical(nil, b))
}

func scalar(tree any) bool {
	switch tree.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}
