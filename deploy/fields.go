package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Fields returns a short hash of each thing that s says about its container,
// by name: "image", "environment MINOS_X". They are kept in a label of the
// container, so that a later plan can say what changed without the values,
// which may be secret, being anywhere but in the container.
func (s Service) Fields() map[string]string {
	source, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("deploy: encode service %s: %v", s.Name, err)) // plain data always encodes
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(source, &all); err != nil {
		panic(fmt.Sprintf("deploy: decode service %s: %v", s.Name, err))
	}
	fields := make(map[string]string, len(all))
	for name, value := range all {
		fields[name] = shortHash(value)
	}
	for name, values := range map[string]map[string]string{"environment": s.Environment, "labels": s.Labels} {
		delete(fields, name)
		for key, value := range values {
			fields[strings.TrimSuffix(name, "s")+" "+key] = shortHash([]byte(value))
		}
	}
	return fields
}

// ConfigHash returns the hash of all that decides how the container of s is made.
func (s Service) ConfigHash() string {
	fields := s.Fields()
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(sum, "%s=%s\n", name, fields[name])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// changedFields returns the sorted names of what differs between two sets of fields.
func changedFields(before, after map[string]string) []string {
	var names []string
	for name, hash := range after {
		if before[name] != hash {
			names = append(names, name)
		}
	}
	for name := range before {
		if _, still := after[name]; !still {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func shortHash(value []byte) string {
	sum := sha256.Sum256(value)
	return hex.EncodeToString(sum[:6])
}
