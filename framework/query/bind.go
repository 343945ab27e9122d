package query

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Bind makes a selection of clauses, whose paths and values it checks: kind
// returns the kind of a path of the root's own, or an error when there is none.
// Several conditions are joined by And. The selection's name is the caller's
// to set.
func Bind(kind func(path string) (Kind, error), clauses ...Clause) (Selection, error) {
	var s Selection
	for _, clause := range clauses {
		switch c := clause.(type) {
		case Condition:
			bound, err := c.bind(kind)
			if err != nil {
				return Selection{}, err
			}
			s.Where = append(s.Where, bound)
		case Order:
			path, err := bindPath(kind, c.Path)
			if err == nil && path.Kind == JSON {
				err = fmt.Errorf("field %q is %s, which has no order", path.Name, path.Kind)
			}
			if err != nil {
				return Selection{}, err
			}
			s.Order = append(s.Order, Order{Path: path, Descending: c.Descending})
		case Limit:
			if c < 1 || s.Limit != 0 {
				return Selection{}, fmt.Errorf("limit %d: there is one limit at most, of at least 1", c)
			}
			s.Limit = int(c)
		}
	}
	return s, nil
}

// BindIndex checks the paths of an index, as Bind does.
func BindIndex(kind func(path string) (Kind, error), paths ...string) (Index, error) {
	if len(paths) == 0 {
		return Index{}, errors.New("an index has no field")
	}
	var index Index
	for _, name := range paths {
		path, err := bindPath(kind, Path{Name: name})
		if err == nil && path.Kind == JSON {
			err = fmt.Errorf("field %q is %s, which has no order", path.Name, path.Kind)
		}
		if err != nil {
			return Index{}, err
		}
		index.Paths = append(index.Paths, path)
	}
	return index, nil
}

func bindPath(kind func(path string) (Kind, error), p Path) (Path, error) {
	if fixed, ok := fixedKind(p.Name); ok {
		return Path{Name: p.Name, Kind: fixed}, nil
	}
	if slices.Contains(p.Keys(), "") || !utf8.ValidString(p.Name) || strings.ContainsRune(p.Name, 0) {
		return Path{}, fmt.Errorf("%q is not a path", p.Name)
	}
	k, err := kind(p.Name)
	return Path{Name: p.Name, Kind: k}, err
}

// bind returns the condition with its kinds and values, or what is wrong.
func (c Condition) bind(kind func(path string) (Kind, error)) (Condition, error) {
	switch c.Op {
	case OpTrue, OpFalse:
		return c, nil
	case OpAnd, OpOr, OpNot:
		joined := make([]Condition, len(c.Of))
		for i, part := range c.Of {
			bound, err := part.bind(kind)
			if err != nil {
				return Condition{}, err
			}
			joined[i] = bound
		}
		return Condition{Op: c.Op, Of: joined}, nil
	case OpEqual, OpLower, OpLowerEqual, OpGreater, OpGreaterEqual, OpIn, OpLike, OpContains:
		return c.bindLeaf(kind)
	}
	return Condition{}, errors.New("a condition was not made by the functions of package query")
}

func (c Condition) bindLeaf(kind func(path string) (Kind, error)) (Condition, error) {
	path, err := bindPath(kind, c.Path)
	if err != nil {
		return Condition{}, err
	}
	switch {
	case c.Op == OpContains && path.Fixed():
		return Condition{}, fmt.Errorf("field %q contains nothing", path.Name)
	case c.Op == OpContains:
		path.Kind = JSON
	case c.Op == OpLike && path.Kind != Text:
		return Condition{}, fmt.Errorf("field %q is %s, and like is for texts", path.Name, path.Kind)
	case c.ordered() && path.Kind == JSON:
		return Condition{}, fmt.Errorf("field %q is %s, which has no order", path.Name, path.Kind)
	}
	bound := Condition{Op: c.Op, Path: path, Values: make([]Value, len(c.raw))}
	for i, raw := range c.raw {
		value, err := bindValue(path.Kind, raw)
		if err == nil && value.Null() && c.ordered() {
			err = errors.New("null has no order")
		}
		if err != nil {
			return Condition{}, fmt.Errorf("the value for field %q: %w", path.Name, err)
		}
		bound.Values[i] = value
	}
	if c.Op == OpLike {
		if _, err := parsePattern(bound.Values[0].Text()); err != nil {
			return Condition{}, fmt.Errorf("the pattern for field %q: %w", path.Name, err)
		}
	}
	return bound, nil
}

func (c Condition) ordered() bool {
	return c.Op == OpLower || c.Op == OpLowerEqual || c.Op == OpGreater || c.Op == OpGreaterEqual
}

// bindValue encodes a value as it would be stored, and reads it as one.
func bindValue(kind Kind, raw any) (Value, error) {
	if v := reflect.ValueOf(raw); v.Kind() == reflect.String && !utf8.ValidString(v.String()) {
		return Value{}, fmt.Errorf("%q is not UTF-8", v.String())
	}
	data, err := json.Marshal(raw)
	if err != nil {
		return Value{}, err
	}
	if hasNUL(data) {
		return Value{}, errors.New("a text in it has the character NUL, which is never stored")
	}
	tree, err := decode(data)
	if err != nil {
		return Value{}, err
	}
	if err := checkNumbers(tree); err != nil {
		return Value{}, err
	}
	if text, ok := tree.(string); ok && kind == UUID {
		id, err := uuid.Parse(text)
		if err != nil {
			return Value{}, fmt.Errorf("%q is not a UUID", text)
		}
		tree = id.String()
	}
	value := valueOf(kind, tree)
	if value.Null() && tree != nil {
		return Value{}, fmt.Errorf("%s is not %s", data, kind)
	}
	return value, nil
}

// checkNumbers refuses numbers that no store takes.
func checkNumbers(tree any) error {
	switch v := tree.(type) {
	case json.Number:
		if !storable(v.String()) {
			return fmt.Errorf("%s has more digits than can be stored", v)
		}
	case []any:
		for _, item := range v {
			if err := checkNumbers(item); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, item := range v {
			if err := checkNumbers(item); err != nil {
				return err
			}
		}
	}
	return nil
}
