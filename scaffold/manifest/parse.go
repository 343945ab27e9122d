package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/minos-framework/minos-go/scaffold"
)

// formatVersion is the version of the file's shape that this package writes.
const formatVersion = 1

// Parse reads a manifest. name is that of the file, for the error: a
// *SyntaxError that says which line and key is malformed, unknown or missing.
func Parse(name string, source []byte) (*Manifest, error) {
	m := &Manifest{
		Resources: Resources{Broker: Embedded, Database: SQLite},
		Services:  map[string]Service{},
		Files:     map[string]string{},
		source:    source,
	}
	doc, err := document(source)
	if err == nil {
		err = m.decode(doc)
	}
	if syntax, ok := errors.AsType[*SyntaxError](err); ok {
		syntax.File = name
		return nil, syntax
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return m, nil
}

// SyntaxError says what is wrong in a manifest, and where.
type SyntaxError struct {
	File    string
	Line    int    // from 1; 0 when the whole file is meant
	Key     string // dotted, as "services.foo.port"; empty when there is none
	Message string
}

// Error is "file:line: key: message".
func (e *SyntaxError) Error() string {
	place := e.File
	if e.Line > 0 {
		place += ":" + strconv.Itoa(e.Line)
	}
	if e.Key != "" {
		place += ": " + e.Key
	}
	return place + ": " + e.Message
}

// document returns the mapping that source holds.
func document(source []byte) (*yaml.Node, error) {
	var root yaml.Node
	err := yaml.Load(source, &root)
	if syntax, ok := errors.AsType[*yaml.LoadError](err); ok {
		return nil, &SyntaxError{Line: syntax.Mark.Line, Message: "malformed YAML: " + loadMessage(syntax)}
	}
	if err != nil {
		return nil, err
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return nil, &SyntaxError{Line: 1, Message: "not a mapping of keys to values"}
	}
	return root.Content[0], nil
}

// loadMessage is the library's message without its name.
func loadMessage(err *yaml.LoadError) string {
	return strings.TrimPrefix(err.Message, "yaml: ")
}

// decoder reads the value of one key.
type decoder func(key string, value *yaml.Node) error

// decode reads the whole file. The version comes first: a file of a newer minos
// may well have keys that this one does not know.
func (m *Manifest) decode(doc *yaml.Node) error {
	version := formatVersion
	if at := find(doc, "version"); at >= 0 {
		if err := number(&version)("version", doc.Content[at+1]); err != nil {
			return err
		}
	}
	if version != formatVersion {
		return fault(lookup(doc, "version"), "version", "is %d; this minos reads version %d", version, formatVersion)
	}
	return fields(doc, "", []string{"version", "name", "module"}, map[string]decoder{
		"version": number(&version),
		"name":    name(&m.Name),
		"module":  text(&m.Module),
		"resources": func(key string, value *yaml.Node) error {
			return fields(value, key, nil, map[string]decoder{
				"broker":   choice(&m.Resources.Broker, Brokers()),
				"database": choice(&m.Resources.Database, Databases()),
			})
		},
		"services": func(key string, value *yaml.Node) error {
			return entries(value, key, func(word *yaml.Node, key string, value *yaml.Node) error {
				service, err := decodeService(key, value)
				if _, bad := scaffold.ParseName(word.Value); bad != nil {
					return fault(word, key, "%s", bad)
				}
				m.Services[word.Value] = service
				return err
			})
		},
		"files": func(key string, value *yaml.Node) error {
			return entries(value, key, func(name *yaml.Node, key string, value *yaml.Node) error {
				if !inside(name.Value) {
					return fault(name, key, "is no path inside the project")
				}
				var sum string
				err := text(&sum)(key, value)
				m.Files[name.Value] = sum
				return err
			})
		},
	})
}

// decodeService reads one entry of services.
func decodeService(key string, value *yaml.Node) (Service, error) {
	var s Service
	err := fields(value, key, []string{"path", "port"}, map[string]decoder{
		"path":       text(&s.Path),
		"port":       number(&s.Port),
		"fixed_port": flag(&s.FixedPort),
	})
	switch {
	case err != nil:
		return s, err
	case !inside(s.Path):
		return s, fault(lookup(value, "path"), key+".path", "%q is no path inside the project", s.Path)
	case s.Port < 1 || s.Port > 65535:
		return s, fault(lookup(value, "port"), key+".port", "%d is no port (1 to 65535)", s.Port)
	}
	return s, nil
}

// inside reports whether a path stays in the project.
func inside(name string) bool { return fs.ValidPath(name) && name != "." }

// fields decodes a mapping of known keys.
func fields(node *yaml.Node, key string, required []string, known map[string]decoder) error {
	missing := slices.Clone(required)
	err := entries(node, key, func(name *yaml.Node, key string, value *yaml.Node) error {
		decode, ok := known[name.Value]
		if !ok {
			return fault(name, key, "unknown key; known are %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == name.Value })
		return decode(key, value)
	})
	if err == nil && len(missing) > 0 {
		return fault(node, join(key, missing[0]), "is missing")
	}
	return err
}

// entries calls yield for each entry of a mapping. A null value is an empty mapping.
func entries(node *yaml.Node, key string, yield func(name *yaml.Node, key string, value *yaml.Node) error) error {
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return fault(node, key, "is not a mapping of keys to values")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		at := join(key, name.Value)
		switch {
		case name.Kind != yaml.ScalarNode || name.Value == "":
			return fault(name, key, "has a key that is no word")
		case seen[name.Value]:
			return fault(name, at, "is there twice")
		case value.Kind == yaml.AliasNode || name.Value == "<<":
			return fault(name, at, "anchors and merges are not read")
		}
		seen[name.Value] = true
		if err := yield(name, at, value); err != nil {
			return err
		}
	}
	return nil
}

// text reads a word.
func text(to *string) decoder {
	return func(key string, value *yaml.Node) error {
		if value.Kind != yaml.ScalarNode || value.Value == "" {
			return fault(value, key, "is not a word")
		}
		*to = value.Value
		return nil
	}
}

// name reads a word that is a name of the project's kind.
func name(to *string) decoder {
	return func(key string, value *yaml.Node) error {
		if _, err := scaffold.ParseName(value.Value); err != nil {
			return fault(value, key, "%s", err)
		}
		return text(to)(key, value)
	}
}

// number reads a whole number.
func number(to *int) decoder {
	return func(key string, value *yaml.Node) error {
		n, err := strconv.Atoi(value.Value)
		if value.Kind != yaml.ScalarNode || err != nil {
			return fault(value, key, "%q is not a number", value.Value)
		}
		*to = n
		return nil
	}
}

// flag reads true or false.
func flag(to *bool) decoder {
	return func(key string, value *yaml.Node) error {
		if value.Tag != "!!bool" {
			return fault(value, key, "%q is neither true nor false", value.Value)
		}
		*to = value.Value == "true"
		return nil
	}
}

// choice reads one of some words, and lists them all when it is another.
func choice[T ~string](to *T, choices []T) decoder {
	return func(key string, value *yaml.Node) error {
		*to = T(value.Value)
		if value.Kind == yaml.ScalarNode && slices.Contains(choices, *to) {
			return nil
		}
		return fault(value, key, "%q is none of %s", value.Value, listing(choices))
	}
}

// listing is words as a sentence has them.
func listing[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}

// fault is a *SyntaxError at a node; Parse adds the name of the file.
func fault(at *yaml.Node, key, format string, args ...any) error {
	return &SyntaxError{Line: at.Line, Key: key, Message: fmt.Sprintf(format, args...)}
}

// join is the dotted key of an entry.
func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// lookup returns the value of a key of a mapping, or the mapping when it has none.
func lookup(mapping *yaml.Node, key string) *yaml.Node {
	if i := find(mapping, key); i >= 0 {
		return mapping.Content[i+1]
	}
	return mapping
}

// find returns the place of a key in a mapping's content, or -1.
func find(mapping *yaml.Node, key string) int {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}
