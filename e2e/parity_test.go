package e2e_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// parityRows is how many behaviours the inventory of Minos counts.
const parityRows = 242

// TestParity holds docs/parity.md to the tree: every row is there, in order, and every place and test it names exists.
func TestParity(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := parseParity(string(text))
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, row := range rows {
		if row.place != "" {
			if _, err := os.Stat(filepath.Join("..", row.place)); err != nil {
				t.Errorf("row %d: place %s: no such file or directory", row.number, row.place)
			}
		}
		for _, name := range row.tests {
			if err := findTest("..", name); err != nil {
				t.Errorf("row %d: %v", row.number, err)
			}
		}
		if len(row.tests) > 0 {
			shown++
		}
	}
	t.Logf("%d of %d rows are shown by a test", shown, len(rows))
}

func TestParity_Parse(t *testing.T) {
	t.Parallel()
	table := func(rows ...string) string { return "# Title\n\n" + strings.Join(rows, "\n") + "\n" }
	full := make([]string, parityRows)
	for i := range full {
		full[i] = fmt.Sprintf("| %d | does it | `e2e` | - |", i+1)
	}
	t.Run("reads places and tests", func(t *testing.T) {
		t.Parallel()
		rows := slices.Clone(full)
		rows[1] = "| 2 | a \\| b | - | `e2e.TestA`; e2e.TestB/it_works |"
		got, err := parseParity(table(rows...))
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"e2e.TestA", "e2e.TestB/it_works"}; got[1].place != "" || !slices.Equal(got[1].tests, want) {
			t.Errorf("got row %+v, want tests %q and no place", got[1], want)
		}
	})
	faults := map[string][]string{
		"refuses a missing row":        slices.Delete(slices.Clone(full), 4, 5),
		"refuses a row too many":       append(slices.Clone(full), "| 243 | more | - | - |"),
		"refuses a row without a test": append(slices.Clone(full[:parityRows-1]), "| 242 | does it | - |  |"),
	}
	for name, rows := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseParity(table(rows...)); err == nil {
				t.Error("got no error")
			}
		})
	}
}

func TestParity_FindTest(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	files := map[string]string{
		"store/store_test.go": "package store_test\n\nimport (\n\t\"testing\"\n\n\t\"" + module + "/store/storetest\"\n)\n\n" +
			"func TestStore(t *testing.T) { t.Run(\"keeps it\", func(t *testing.T) { storetest.Run(t) }) }\n",
		"store/storetest/run.go":         "package storetest\n\nfunc Run(t T) { t.Run(\"loses nothing\", nil) }\n",
		"store/testdata/new_thing.txtar": "exec true\n",
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]bool{
		"store.TestStore":                        true,
		"store.TestStore/keeps_it":               true,
		"store.TestStore/keeps_it/loses_nothing": true,
		"store.TestStore/new_thing":              true,
		"store.TestGone":                         false,
		"store.TestStore/forgets_it":             false,
		"store/gone.TestStore":                   false,
		"store":                                  false,
	}
	for name, exists := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := findTest(root, name); (err == nil) != exists {
				t.Errorf("got error %v, want existing %v", err, exists)
			}
		})
	}
}

// parityRow is one line of the table: place is empty and tests are nil where the table has a dash.
type parityRow struct {
	number int
	place  string
	tests  []string
}

func parseParity(text string) ([]parityRow, error) {
	var rows []parityRow
	for line := range strings.Lines(text) {
		if !regexp.MustCompile(`^\| \d`).MatchString(line) {
			continue
		}
		line = strings.ReplaceAll(strings.TrimSpace(line), `\|`, "¦")
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) != 4 || slices.Contains(cells, "") {
			return nil, fmt.Errorf("parity.md: want | number | behaviour | place or - | tests or - |, have %s", line)
		}
		number, err := strconv.Atoi(cells[0])
		if err != nil || number != len(rows)+1 {
			return nil, fmt.Errorf("parity.md: row %s stands where row %d belongs", cells[0], len(rows)+1)
		}
		row := parityRow{number: number}
		if cells[2] != "-" {
			row.place = strings.Trim(cells[2], "`")
		}
		if cells[3] != "-" {
			for name := range strings.SplitSeq(cells[3], ";") {
				row.tests = append(row.tests, strings.Trim(name, " `"))
			}
		}
		rows = append(rows, row)
	}
	if len(rows) != parityRows {
		return nil, fmt.Errorf("parity.md: %d rows, want %d", len(rows), parityRows)
	}
	return rows, nil
}

// findTest returns an error unless the tree at root has the test path/to/package.TestName[/subtest_name].
//
// A subtest is looked for where its name is written: as a string in the file of the test, or in a conformance suite
// (a package of this module called …test) that the file imports, or as a script in the package's testdata.
func findTest(root, name string) error {
	parts := regexp.MustCompile(`^([\w./-]+?)\.((?:Test|Example)\w*)(?:/(.+))?$`).FindStringSubmatch(name)
	if parts == nil {
		return fmt.Errorf("test %s: want path/to/package.TestName/subtest_name", name)
	}
	dir, function, subtest := filepath.Join(root, parts[1]), parts[2], parts[3]
	paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if !declares(file, function) {
			continue
		}
		names, err := subtestNames(root, dir, file)
		if err == nil && subtest != "" && !composes(names, subtest) {
			err = fmt.Errorf("test %s: %s has no subtest of that name", name, path)
		}
		return err
	}
	return fmt.Errorf("test %s: no such function", name)
}

func declares(file *ast.File, function string) bool {
	return slices.ContainsFunc(file.Decls, func(decl ast.Decl) bool {
		f, ok := decl.(*ast.FuncDecl)
		return ok && f.Recv == nil && f.Name.Name == function
	})
}

// composes tells whether a path of subtests is made of known names. A name may hold a slash itself.
func composes(names map[string]bool, path string) bool {
	if names[path] {
		return true
	}
	for name := range names {
		if rest, ok := strings.CutPrefix(path, name+"/"); ok && composes(names, rest) {
			return true
		}
	}
	return false
}

// subtestNames collects, the way package testing writes them, the names that subtests of a file can have.
func subtestNames(root, dir string, file *ast.File) (map[string]bool, error) {
	names := map[string]bool{}
	collectStrings(file, names)
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		place, ours := strings.CutPrefix(path, module+"/")
		if !ours || !strings.HasSuffix(place, "test") {
			continue
		}
		suite, err := filepath.Glob(filepath.Join(root, place, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, path := range suite {
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			collectStrings(file, names)
		}
	}
	err := filepath.WalkDir(filepath.Join(dir, "testdata"), func(path string, _ os.DirEntry, err error) error {
		if script, ok := strings.CutSuffix(filepath.Base(path), ".txtar"); ok {
			names[script] = true
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	return names, err
}

func collectStrings(file *ast.File, into map[string]bool) {
	ast.Inspect(file, func(node ast.Node) bool {
		if lit, ok := node.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && text != "" {
				into[strings.ReplaceAll(text, " ", "_")] = true
			}
		}
		return true
	})
}
