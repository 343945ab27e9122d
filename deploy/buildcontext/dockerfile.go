package buildcontext

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Bases returns the images that the Dockerfile starts from or copies from,
// sorted: they have to be there before it is built. args are the build's own,
// which win over the Dockerfile's. A name that needs more than a plain
// ${VARIABLE} to be known is left out.
func (c *Context) Bases(args map[string]string) ([]string, error) {
	source, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(c.dockerfile)))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.dockerfile, err)
	}
	r := reader{
		args: args, defaults: map[string]string{}, stages: map[string]bool{"scratch": true}, bases: map[string]bool{},
	}
	for _, line := range instructions(string(source)) {
		r.read(strings.Fields(line))
	}
	return slices.Sorted(maps.Keys(r.bases)), nil
}

// reader goes through a Dockerfile's instructions.
type reader struct {
	args, defaults map[string]string
	stages         map[string]bool // names that are no images
	bases          map[string]bool
	count          int // of stages
}

func (r *reader) read(words []string) {
	if len(words) < 2 {
		return
	}
	switch strings.ToUpper(words[0]) {
	case "ARG":
		if r.count > 0 { // an argument of a stage does not reach a FROM
			return
		}
		for _, word := range words[1:] {
			name, value, _ := strings.Cut(word, "=")
			r.defaults[name] = strings.Trim(value, `"'`)
		}
	case "FROM":
		words = withoutFlags(words[1:])
		if len(words) == 0 {
			return
		}
		r.add(words[0])
		r.stages[strconv.Itoa(r.count)] = true
		r.count++
		if len(words) == 3 && strings.EqualFold(words[1], "as") {
			r.stages[strings.ToLower(words[2])] = true
		}
	case "COPY", "RUN":
		for _, word := range words[1:] {
			r.readFlag(word)
		}
	}
}

// readFlag finds the image in --from=IMAGE and --mount=type=bind,from=IMAGE.
func (r *reader) readFlag(word string) {
	if image, ok := strings.CutPrefix(word, "--from="); ok {
		r.add(image)
	}
	if options, ok := strings.CutPrefix(word, "--mount="); ok {
		for option := range strings.SplitSeq(options, ",") {
			if image, ok := strings.CutPrefix(option, "from="); ok {
				r.add(image)
			}
		}
	}
}

func (r *reader) add(image string) {
	image = os.Expand(image, func(name string) string {
		if value, ok := r.args[name]; ok {
			return value
		}
		if value, ok := r.defaults[name]; ok {
			return value
		}
		return "$" // no image has this in its name
	})
	if image != "" && !strings.Contains(image, "$") && !r.stages[strings.ToLower(image)] {
		r.bases[image] = true
	}
}

func withoutFlags(words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(word string) bool { return strings.HasPrefix(word, "--") })
}

// instructions returns a Dockerfile's lines, without comments, continued lines joined.
func instructions(source string) []string {
	var lines []string
	open := ""
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if before, more := strings.CutSuffix(line, `\`); more {
			open += before + " "
			continue
		}
		lines = append(lines, open+line)
		open = ""
	}
	return lines
}
