// Package scaffold turns template trees into files of a project: it renders
// them in memory, compares them with what is there, shows the difference as a
// Plan, and writes it so that nobody ever sees half of it.
//
// It knows neither the framework nor the templates: trees come in as fs.FS.
package scaffold

import (
	"fmt"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maxName is how long a name may be: its database, a topic and a container's
// name are made of it, and those have limits of about 60.
const maxName = 40

// Name is the name of a project or a service: lower-case words of letters and
// digits with hyphens between them. It is made by ParseName.
type Name struct{ words []string }

// NameError says why a name cannot be one.
type NameError struct {
	Name    string
	Problem string
}

// Error names the name and its problem.
func (e *NameError) Error() string { return fmt.Sprintf("name %q %s", e.Name, e.Problem) }

// ParseName returns the name that s is, or a *NameError.
func ParseName(s string) (Name, error) {
	if problem := nameProblem(s); problem != "" {
		return Name{}, &NameError{Name: s, Problem: problem}
	}
	return Name{words: strings.Split(s, "-")}, nil
}

// nameProblem says what keeps s from being a name, and what to do instead; "" when
// nothing does. The first problem that a user would see comes first.
func nameProblem(s string) string {
	const rule = "; use lower-case letters, digits and hyphens, like order-line"
	if s == "" {
		return "is empty" + rule
	}
	if len(s) > maxName {
		return fmt.Sprintf("has %d characters; %d is the most", len(s), maxName)
	}
	if strings.Contains(s, "..") || s == "." {
		return "is a path, not a name" + rule
	}
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			return "has a space" + rule
		case r == '/' || r == '\\':
			return "has a slash" + rule
		case unicode.IsUpper(r):
			return fmt.Sprintf("has an upper-case letter; did you mean %s?", strings.ToLower(s))
		case r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9'):
			return fmt.Sprintf("has a %q%s", r, rule)
		}
	}
	if s[0] < 'a' || s[0] > 'z' {
		return "does not start with a letter" + rule
	}
	if strings.HasSuffix(s, "-") || strings.Contains(s, "--") {
		return "has a hyphen that joins nothing" + rule
	}
	joined := strings.ReplaceAll(s, "-", "")
	switch {
	case token.IsKeyword(s) || token.IsKeyword(joined):
		return fmt.Sprintf("is no Go package's name: %s is a keyword of Go", joined)
	case slices.Contains(reserved(), joined):
		return fmt.Sprintf("is no Go package's name: %s has a meaning of its own in Go", joined)
	}
	return ""
}

// reserved are the words that name packages badly: the go command treats their
// folders differently, or every file would lose a word of the language.
func reserved() []string {
	return []string{
		"main", "init", "internal", "vendor", "testdata",
		"any", "append", "bool", "byte", "cap", "clear", "close", "comparable", "complex", "copy", "delete", "error",
		"false", "imag", "int", "iota", "len", "make", "max", "min", "new", "nil", "panic", "print", "println", "real",
		"recover", "rune", "string", "true", "uint", "uintptr",
	}
}

// String is the name as the user gave it: order-line. Folders, containers and
// hosts are called so.
func (n Name) String() string { return strings.Join(n.words, "-") }

// Package is a Go package: orderline.
func (n Name) Package() string { return strings.Join(n.words, "") }

// Type is a Go type and the start of a topic: OrderLine.
func (n Name) Type() string {
	var b strings.Builder
	for _, word := range n.words {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// Variable is a Go variable: orderLine.
func (n Name) Variable() string {
	t := n.Type()
	return strings.ToLower(t[:1]) + t[1:]
}

// Snake is a column, a key of JSON: order_line.
func (n Name) Snake() string { return strings.Join(n.words, "_") }

// Shout is an environment variable: ORDER_LINE.
func (n Name) Shout() string { return strings.ToUpper(n.Snake()) }

// Database is the service's database: order_line_db.
func (n Name) Database() string { return n.Snake() + "_db" }

// Plural is the name of many: order-lines. Its words start REST paths.
func (n Name) Plural() Name {
	words := slices.Clone(n.words)
	words[len(words)-1] = plural(words[len(words)-1])
	return Name{words: words}
}

// plural is the regular plural of an English word; irregular ones are the
// user's to correct, in code that is the user's.
func plural(word string) string {
	switch {
	case regexp.MustCompile(`[^aeiou]y$`).MatchString(word):
		return strings.TrimSuffix(word, "y") + "ies"
	case regexp.MustCompile(`(s|x|z|ch|sh)$`).MatchString(word):
		return word + "es"
	}
	return word + "s"
}
