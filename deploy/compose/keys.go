package compose

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

// keys are the keys that a mapping may have, and what may stand below each; nil
// is anything. "*" is any key, "[]" each item of a list.
type keys map[string]keys

// carriedKeys returns what minos carries out of a compose file. A key that is
// not here is an error: it is never ignored. Adding one means reading it in
// adopt.go and giving it to the engine.
func carriedKeys() keys {
	service := keys{
		"image": nil, "command": nil, "entrypoint": nil, "environment": nil, "restart": nil, "user": nil,
		"working_dir": nil, "hostname": nil, "read_only": nil, "tmpfs": nil, "cap_drop": nil, "cap_add": nil,
		"security_opt": nil, "init": nil, "labels": nil, "mem_limit": nil, "cpus": nil, "pids_limit": nil,
		"stop_grace_period": nil, "stop_signal": nil,
		"build":      {"context": nil, "dockerfile": nil, "args": nil, "target": nil},
		"env_file":   {"[]": {"path": nil, "required": nil}},
		"ports":      {"[]": {"target": nil, "published": nil, "host_ip": nil, "protocol": nil, "mode": nil}},
		"networks":   {"[]": {}, "*": {}},
		"depends_on": {"[]": {}, "*": {"condition": nil, "required": nil}},
		"healthcheck": {
			"test": nil, "interval": nil, "timeout": nil, "retries": nil, "start_period": nil, "disable": nil,
		},
		"volumes": {"[]": {
			"type": nil, "source": nil, "target": nil, "read_only": nil,
			"bind": {"create_host_path": nil}, "volume": {}, "tmpfs": {"size": nil},
		}},
	}
	return keys{
		"name":     nil,
		"services": {"*": service},
		"networks": {"*": {"name": nil, "driver": nil, "internal": nil, "external": nil}},
		"volumes":  {"*": {"name": nil, "driver": nil, "external": nil}},
	}
}

// document is a compose file as it was written.
type document struct {
	file string
	root *yaml.Node // nil when the file is empty
}

// readDocument parses a compose file. Errors name file and line.
func readDocument(file string) (document, error) {
	source, err := os.ReadFile(file)
	if err != nil {
		return document{}, fmt.Errorf("read the project's services: %w", err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(source, &root); err != nil {
		return document{}, fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	d := document{file: filepath.Base(file)}
	if len(root.Content) > 0 {
		d.root = root.Content[0]
	}
	return d, nil
}

// check returns an error for every key that is unknown or not carried out.
func (d document) check() error {
	if d.root == nil {
		return nil
	}
	if d.root.Kind != yaml.MappingNode {
		return fmt.Errorf("%s:%d: a compose file is a mapping", d.file, d.root.Line)
	}
	return errors.Join(d.checkNode(d.root, carriedKeys(), nil)...)
}

// checkNode returns the faults below node, whose own keys are those of path.
func (d document) checkNode(node *yaml.Node, allowed keys, path []string) []error {
	var faults []error
	switch node = aliased(node); {
	case allowed == nil:
	case node.Kind == yaml.SequenceNode:
		below, ok := allowed["[]"]
		for _, item := range node.Content {
			if ok {
				faults = append(faults, d.checkNode(item, below, path)...)
			}
		}
	case node.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			here := append(path[:len(path):len(path)], key.Value)
			below, ok := allowed[key.Value]
			if !ok {
				below, ok = allowed["*"]
			}
			switch {
			case key.Value == "<<":
				faults = append(faults, d.checkNode(value, keys{"[]": allowed}.orItself(value), path)...)
			case strings.HasPrefix(key.Value, "x-"): // Compose's own place for what is not its business
			case !ok:
				faults = append(faults, d.refuse(key, here))
			default:
				faults = append(faults, d.checkNode(value, below, here)...)
			}
		}
	}
	return faults
}

// orItself returns what a merged value may hold: one mapping, or a list of them.
func (k keys) orItself(value *yaml.Node) keys {
	if aliased(value).Kind == yaml.SequenceNode {
		return k
	}
	return k["[]"]
}

// refuse says what is wrong with a key that is not carried out.
func (d document) refuse(key *yaml.Node, path []string) error {
	name := strings.Join(path, ".")
	if isComposeKey(path) {
		return fmt.Errorf("%s:%d: %s: minos does not carry this key out; take it away, or use docker compose",
			d.file, key.Line, name)
	}
	return fmt.Errorf("%s:%d: %s: unknown key", d.file, key.Line, name)
}

// line returns where the longest known part of a path such as
// "services.foo.ports" stands; 0 when nothing of it is in this file.
func (d document) line(path []string) (line, depth int) {
	node := d.root
	for _, name := range path {
		node = aliased(node)
		if node == nil || node.Kind != yaml.MappingNode {
			return line, depth
		}
		found := false
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == name {
				line, node, found = node.Content[i].Line, node.Content[i+1], true
				depth++
			}
		}
		if !found {
			return line, depth
		}
	}
	return line, depth
}

// aliased returns what an alias stands for, and any other node as it is.
func aliased(node *yaml.Node) *yaml.Node {
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// isComposeKey says whether Compose knows the key at path.
func isComposeKey(path []string) bool {
	t := reflect.TypeFor[types.Project]()
	for _, name := range path {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Map:
			t = t.Elem()
		case reflect.Struct:
			field, ok := composeField(t, name)
			if !ok {
				return false
			}
			t = field
		default:
			return false
		}
	}
	return true
}

// composeField returns the type of the field that a compose key is read into.
func composeField(t reflect.Type, key string) (reflect.Type, bool) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == key {
			return f.Type, true
		}
		if strings.Contains(options, "inline") && f.Type.Kind() == reflect.Struct {
			if inner, ok := composeField(f.Type, key); ok {
				return inner, true
			}
		}
	}
	// What the loader deals with before there is a project.
	return t, t == reflect.TypeFor[types.Project]() && (key == "include" || key == "version")
}
