package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// header stands above a manifest that minos wrote first.
const header = "# minos.yaml makes this directory a project. minos reads and writes it; comments stay."

// Encode returns the file. What was loaded and not changed comes back byte by
// byte; what was changed keeps its order and its comments.
func (m *Manifest) Encode() ([]byte, error) {
	doc := &yaml.Node{Kind: yaml.MappingNode, HeadComment: header}
	if m.source != nil {
		before, err := Parse(FileName, m.source)
		if err != nil {
			return nil, err
		}
		if m.equal(before) {
			return m.source, nil
		}
		if doc, err = document(m.source); err != nil {
			return nil, err
		}
	}
	m.update(doc)
	out, err := yaml.Dump(doc)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", FileName, err)
	}
	return out, nil
}

// equal compares what two manifests say, and not how.
func (m *Manifest) equal(other *Manifest) bool {
	return m.Name == other.Name && m.Module == other.Module && m.Resources == other.Resources &&
		maps.Equal(m.Services, other.Services) && maps.Equal(m.Files, other.Files)
}

// update makes doc say what m says. Nodes that do so already stay as they are,
// with their comments.
func (m *Manifest) update(doc *yaml.Node) {
	set(doc, "version", strconv.Itoa(formatVersion))
	set(doc, "name", m.Name)
	set(doc, "module", m.Module)
	resources := child(doc, "resources")
	set(resources, "broker", string(m.Resources.Broker))
	set(resources, "database", string(m.Resources.Database))
	services := child(doc, "services")
	prune(services, m.Services)
	for _, name := range slices.Sorted(maps.Keys(m.Services)) {
		m.Services[name].update(child(services, name))
	}
	files := child(doc, "files")
	prune(files, m.Files)
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		set(files, name, m.Files[name])
	}
}

// update makes node say what s says. A port that is not fixed needs no words.
func (s Service) update(node *yaml.Node) {
	set(node, "path", s.Path)
	set(node, "port", strconv.Itoa(s.Port))
	if s.FixedPort || find(node, "fixed_port") >= 0 {
		set(node, "fixed_port", strconv.FormatBool(s.FixedPort))
	}
}

// set gives a key of a mapping a value, in its place or at the end.
func set(mapping *yaml.Node, key, value string) {
	node := lookup(mapping, key)
	if node == mapping {
		node = &yaml.Node{Kind: yaml.ScalarNode}
		mapping.Content = append(mapping.Content, word(key), node)
	}
	if node.Value != value {
		node.Value, node.Tag, node.Style = value, "", 0
	}
}

// child returns the mapping of a key, which it adds when there is none.
func child(mapping *yaml.Node, key string) *yaml.Node {
	node := lookup(mapping, key)
	if node == mapping {
		node = &yaml.Node{}
		mapping.Content = append(mapping.Content, word(key), node)
	}
	if node.Kind != yaml.MappingNode { // absent, or null
		node.Kind, node.Tag, node.Value = yaml.MappingNode, "", ""
	}
	if len(node.Content) == 0 {
		node.Style = 0 // "{}" would keep what comes on one line
	}
	return node
}

// prune takes away the keys that kept does not have.
func prune[V any](mapping *yaml.Node, kept map[string]V) {
	content := mapping.Content[:0]
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if _, ok := kept[mapping.Content[i].Value]; ok {
			content = append(content, mapping.Content[i], mapping.Content[i+1])
		}
	}
	mapping.Content = content
}

// word is a scalar; the writer quotes it where it has to.
func word(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: value}
}
