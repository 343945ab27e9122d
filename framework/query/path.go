package query

import "strings"

// Path leads to a value of an entity.
type Path struct {
	Name string // with dots
	Kind Kind   // set by Bind
}

// Keys are the names of the members to go through.
func (p Path) Keys() []string { return strings.Split(p.Name, ".") }

// Fixed reports whether the path is one of the fields that every root has.
func (p Path) Fixed() bool {
	_, ok := fixedKind(p.Name)
	return ok
}

// fixedKind returns the kind of a field that every root has.
func fixedKind(path string) (Kind, bool) {
	switch path {
	case "uuid":
		return UUID, true
	case "version":
		return Number, true
	case "created_at", "updated_at":
		return Time, true
	}
	return 0, false
}
