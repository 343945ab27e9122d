package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/minos-framework/minos-go"

// TestImports holds every package to the line of imports.txt that names it.
func TestImports(t *testing.T) {
	t.Parallel()
	dependOnTree(t)
	text, err := os.ReadFile("imports.txt")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := parseImportRules(string(text))
	if err != nil {
		t.Fatal(err)
	}
	// A package built for `minos dev` has other files than the same package in production.
	packages := append(listPackages(t), listPackages(t, "-tags=dev")...)
	for _, breach := range importBreaches(rules, packages) {
		t.Error(breach)
	}
}

// TestProgram_Links keeps what needs a C compiler, or is a service's matter, out of the minos binary.
func TestProgram_Links(t *testing.T) {
	t.Parallel()
	dependOnTree(t)
	for _, path := range strings.Fields(goList(t, "-deps", "../cmd/minos")) {
		for _, banned := range []string{module + "/framework/kafka", "github.com/confluentinc/confluent-kafka-go"} {
			if path == banned || strings.HasPrefix(path, banned+"/") {
				t.Errorf("cmd/minos reaches %s", path)
			}
		}
	}
}

func TestImportRules(t *testing.T) {
	t.Parallel()
	const text = `
framework/unit   : std github.com/google/uuid # knows nobody
framework/...    : std framework/unit # a driver
. : std # embeds
`
	tests := map[string]struct{ path, imports, want string }{
		"lets a package import what its line names": {"framework/unit", "fmt github.com/google/uuid", ""},
		"binds a package by its first line": {
			"framework/unit", module + "/framework/unit/x",
			"framework/unit may not import " + module + "/framework/unit/x: knows nobody",
		},
		"lets a package import its own internal ones": {"framework/sqlite", module + "/framework/sqlite/internal/sql", ""},
		"refuses a third party that the line does not name": {
			"framework/sqlite", "github.com/google/uuid", "framework/sqlite may not import github.com/google/uuid: a driver",
		},
		"names a package without a line": {"deploy", "fmt", "no line names deploy"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules, err := parseImportRules(text)
			if err != nil {
				t.Fatal(err)
			}
			packages := []listedPackage{
				{ImportPath: module},
				{ImportPath: module + "/framework/unit"},
				{ImportPath: module + "/framework/memory"},
				{ImportPath: module + "/" + test.path, Imports: strings.Fields(test.imports)},
			}
			if got := strings.Join(importBreaches(rules, packages), "\n"); got != test.want {
				t.Errorf("got breaches %q, want %q", got, test.want)
			}
		})
	}
	t.Run("names a line that binds no package", func(t *testing.T) {
		t.Parallel()
		rules, err := parseImportRules("gone : std # was here once")
		if err != nil {
			t.Fatal(err)
		}
		if got := importBreaches(rules, nil); !slices.Equal(got, []string{"gone: no package of that name"}) {
			t.Errorf("got breaches %q", got)
		}
	})
	t.Run("refuses a line without a reason", func(t *testing.T) {
		t.Parallel()
		if _, err := parseImportRules("framework/unit : std"); err == nil {
			t.Error("got no error")
		}
	})
}

// importRule is one line of imports.txt.
type importRule struct {
	who     string
	allowed []string
	reason  string
}

func parseImportRules(text string) ([]importRule, error) {
	var rules []importRule
	for number, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		head, reason, _ := strings.Cut(line, "#")
		who, allowed, ok := strings.Cut(head, ":")
		rule := importRule{strings.TrimSpace(who), strings.Fields(allowed), strings.TrimSpace(reason)}
		if !ok || rule.who == "" || rule.reason == "" {
			return nil, fmt.Errorf("imports.txt:%d: want `package : allowed # reason`, have %q", number+1, line)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func (r importRule) permits(kind, name string) bool {
	return slices.ContainsFunc(r.allowed, func(a string) bool { return a == kind || covers(a, name) })
}

// covers tells whether a pattern, with or without /..., takes in a name.
func covers(pattern, name string) bool {
	base, deep := strings.CutSuffix(pattern, "/...")
	return name == base || deep && strings.HasPrefix(name, base+"/")
}

// importBreaches returns what is wrong, one sentence each, without repeating itself.
func importBreaches(rules []importRule, packages []listedPackage) []string {
	var breaches []string
	used := make([]bool, len(rules))
	for _, pkg := range packages {
		_, self := kindOf(pkg.ImportPath)
		at := slices.IndexFunc(rules, func(r importRule) bool { return covers(r.who, self) })
		if at < 0 {
			breaches = append(breaches, "no line names "+self)
			continue
		}
		used[at] = true
		for _, path := range pkg.Imports {
			kind, name := kindOf(path)
			own := strings.HasPrefix(name, self+"/internal")
			if !own && !rules[at].permits(kind, name) {
				breaches = append(breaches, fmt.Sprintf("%s may not import %s: %s", self, path, rules[at].reason))
			}
		}
	}
	for i, rule := range rules {
		if !used[i] {
			breaches = append(breaches, rule.who+": no package of that name")
		}
	}
	slices.Sort(breaches)
	return slices.Compact(breaches)
}

// kindOf sorts an import path, and shortens one of this module to its place in the tree.
func kindOf(path string) (kind, name string) {
	switch first, _, _ := strings.Cut(path, "/"); {
	case path == module:
		return "mod", "."
	case strings.HasPrefix(path, module+"/"):
		return "mod", strings.TrimPrefix(path, module+"/")
	case !strings.Contains(first, "."):
		return "std", path
	}
	return "ext", path
}

// listedPackage is what the go command says of a package; imports of test files are not in it.
type listedPackage struct {
	ImportPath string
	Imports    []string
}

func listPackages(t *testing.T, flags ...string) []listedPackage {
	t.Helper()
	args := append(flags, "-json=ImportPath,Imports", "../...")
	var packages []listedPackage
	for dec := json.NewDecoder(strings.NewReader(goList(t, args...))); ; {
		var pkg listedPackage
		switch err := dec.Decode(&pkg); {
		case errors.Is(err, io.EOF):
			return packages
		case err != nil:
			t.Fatal(err)
		}
		packages = append(packages, pkg)
	}
}

// dependOnTree lists every folder of Go code. The go command caches a test by what the test itself has opened, and would
// not notice a new import that only `go list` sees.
func dependOnTree(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() && len(path) > 2 && strings.ContainsRune("._", rune(entry.Name()[0])) {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
