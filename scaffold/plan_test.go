package scaffold_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/minos-framework/minos-go/scaffold"
)

func file(path, content string) scaffold.File {
	return scaffold.File{Path: path, Mode: 0o644, Content: []byte(content)}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// held returns all files below dir with their content, folders with a slash.
func held(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if entry.IsDir() {
			got[filepath.ToSlash(rel)+"/"] = ""
			return err
		}
		content, err := os.ReadFile(name)
		got[filepath.ToSlash(rel)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	a, _ := json.MarshalIndent(got, "", " ")
	b, _ := json.MarshalIndent(want, "", " ")
	if string(a) != string(b) {
		t.Errorf("got %s\nwant %s", a, b)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func isConflict(t *testing.T, err error, want string) {
	t.Helper()
	if e, ok := errors.AsType[*scaffold.ConflictError](err); !ok || !strings.Contains(e.Error(), want) {
		t.Errorf("got %v, want a conflict with %q", err, want)
	}
}

func TestPlan_Fresh(t *testing.T) {
	t.Parallel()
	files := []scaffold.File{file(".env", "secret"), file("a/b.txt", "b"), file("c.txt", "c")}
	want := map[string]string{".env": "secret", "a/": "", "a/b.txt": "b", "c.txt": "c"}
	t.Run("makes a directory and those above it", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		p := &scaffold.Plan{Dir: filepath.Join(dir, "x", "y")}
		must(t, p.Fresh(".", "new", files))
		same(t, held(t, dir), map[string]string{})
		must(t, p.Write(t.Context()))
		same(t, held(t, p.Dir), want)
		same(t, map[string]string{"x/": ""}, keys(held(t, dir), "x/"))
	})
	t.Run("fills an empty directory", func(t *testing.T) {
		t.Parallel()
		p := &scaffold.Plan{Dir: t.TempDir()}
		must(t, p.Fresh(".", "new", files))
		must(t, p.Write(t.Context()))
		same(t, held(t, p.Dir), want)
	})
	t.Run("finishes what was interrupted", func(t *testing.T) {
		t.Parallel()
		p := &scaffold.Plan{Dir: t.TempDir()}
		write(t, p.Dir, "a/b.txt", "b")
		write(t, p.Dir, ".git/HEAD", "x")
		must(t, p.Fresh(".", "new", files))
		if p.Changes[1].Action != scaffold.Keep || p.Changes[2].Action != scaffold.Create {
			t.Errorf("%+v", p.Changes)
		}
		must(t, p.Write(t.Context()))
		got := held(t, p.Dir)
		delete(got, ".git/")
		delete(got, ".git/HEAD")
		same(t, got, want)
	})
	t.Run("refuses a directory that holds something else", func(t *testing.T) {
		t.Parallel()
		for _, other := range []string{"d.txt", "a/b/c", ".hidden", "c.txt"} {
			p := &scaffold.Plan{Dir: t.TempDir()}
			write(t, p.Dir, "sub/"+other, "other")
			isConflict(t, p.Fresh("sub", "new", files), "sub is not empty: it holds sub/"+other)
		}
		p := &scaffold.Plan{Dir: t.TempDir()}
		must(t, os.Mkdir(filepath.Join(p.Dir, "empty"), 0o755))
		isConflict(t, p.Fresh(".", "new", files), p.Dir+" is not empty: it holds empty")
	})
	t.Run("refuses a file in the place of the directory", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		write(t, dir, "x", "")
		must(t, os.Symlink("gone", filepath.Join(dir, "link")))
		for place, want := range map[string]string{
			"x": "x is no directory", "x/y/z": filepath.Join(dir, "x") + " is no directory",
			"link": "link is a link that leads nowhere", "link/y": "link is a link that leads nowhere",
		} {
			isConflict(t, (&scaffold.Plan{Dir: filepath.Join(dir, place)}).Fresh(".", "new", files), want)
		}
	})
	t.Run("refuses links that lead out", func(t *testing.T) {
		t.Parallel()
		p := &scaffold.Plan{Dir: t.TempDir()}
		out := t.TempDir()
		must(t, os.Symlink(out, filepath.Join(p.Dir, "sub")))
		if err := p.Fresh("sub/new", "new", files); err == nil {
			err = p.Write(t.Context())
			if err == nil || !strings.Contains(err.Error(), "escapes") {
				t.Errorf("got %v", err)
			}
		}
		same(t, held(t, out), map[string]string{})
	})
	t.Run("refuses paths that lead out", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		p := &scaffold.Plan{Dir: filepath.Join(dir, "in")}
		must(t, os.Mkdir(p.Dir, 0o755))
		p.Changes = []scaffold.Change{{File: file("../out.txt", "x"), Action: scaffold.Create}}
		isConflict(t, p.Write(t.Context()), "leads out of the directory")
		same(t, held(t, dir), map[string]string{"in/": ""})
	})
}

func keys(m map[string]string, names ...string) map[string]string {
	got := map[string]string{}
	for _, name := range names {
		if v, ok := m[name]; ok {
			got[name] = v
		}
	}
	return got
}

func TestPlan_Update(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) (*scaffold.Plan, map[string]string) {
		t.Helper()
		p := &scaffold.Plan{Dir: t.TempDir()}
		write(t, p.Dir, "ours", "old")
		write(t, p.Dir, "edited", "mine")
		return p, map[string]string{"ours": scaffold.Sum([]byte("old")), "edited": scaffold.Sum([]byte("old"))}
	}
	t.Run("replaces what is as it was written", func(t *testing.T) {
		t.Parallel()
		p, written := setup(t)
		must(t, p.Update(written, "x", file("ours", "new"), file("more", "more"), file("edited", "mine")))
		must(t, p.Write(t.Context()))
		same(t, held(t, p.Dir), map[string]string{"ours": "new", "more": "more", "edited": "mine"})
	})
	t.Run("leaves an edited file alone for which there is nothing new", func(t *testing.T) {
		t.Parallel()
		p, written := setup(t)
		must(t, p.Update(written, "x", file("edited", "old")))
		if !p.Empty() {
			t.Errorf("%+v", p.Changes)
		}
	})
	t.Run("names every file that was edited", func(t *testing.T) {
		t.Parallel()
		p, written := setup(t)
		delete(written, "ours")
		err := p.Update(written, "x", file("edited", "new"), file("ours", "new"))
		isConflict(t, err, "edited, ours were edited; minos replaces only")
	})
	t.Run("deletes what is as it was written, and the folders left empty", func(t *testing.T) {
		t.Parallel()
		p, written := setup(t)
		write(t, p.Dir, "a/b/c", "old")
		written["a/b/c"] = written["ours"]
		must(t, p.Delete(written, "x", "ours", "a/b/c", "gone"))
		must(t, p.Write(t.Context()))
		same(t, held(t, p.Dir), map[string]string{"edited": "mine"})
		isConflict(t, p.Delete(written, "x", "edited"), "edited was edited")
	})
	t.Run("puts what was read and changed", func(t *testing.T) {
		t.Parallel()
		p, _ := setup(t)
		must(t, p.Put("x", file("edited", "mine too")))
		must(t, p.Put("x", file("ours", "old")))
		must(t, p.Put("x", file("third", "3")))
		must(t, p.Write(t.Context()))
		same(t, held(t, p.Dir), map[string]string{"ours": "old", "edited": "mine too", "third": "3"})
	})
	t.Run("sees that nothing changes", func(t *testing.T) {
		t.Parallel()
		p, written := setup(t)
		must(t, p.Update(written, "x", file("ours", "old")))
		if !p.Empty() {
			t.Errorf("%+v", p.Changes)
		}
	})
}

func TestPlan_Write(t *testing.T) {
	t.Parallel()
	t.Run("leaves nothing when it is interrupted", func(t *testing.T) {
		t.Parallel()
		p := &scaffold.Plan{Dir: t.TempDir()}
		must(t, p.Fresh("sub", "new", []scaffold.File{file("a", "a"), file("b", "b")}))
		must(t, p.Put("x", file("c", "c")))
		for n := range len(p.Changes) {
			err := p.Write(&endsAfter{Context: t.Context(), n: n})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			same(t, held(t, p.Dir), map[string]string{})
		}
	})
	t.Run("leaves nothing when a file cannot be written", func(t *testing.T) {
		t.Parallel()
		p := &scaffold.Plan{Dir: t.TempDir()}
		write(t, p.Dir, "here", "")
		must(t, p.Fresh("sub", "new", []scaffold.File{file("a", "a")}))
		p.Changes = append(p.Changes, scaffold.Change{File: file("here/b", "b"), Action: scaffold.Create})
		if err := p.Write(t.Context()); err == nil {
			t.Error("was written")
		}
		same(t, held(t, p.Dir), map[string]string{"here": ""})
	})
	t.Run("takes away what a killed run left", func(t *testing.T) {
		t.Parallel()
		p := &scaffold.Plan{Dir: t.TempDir()}
		const never = "~4194999" // beyond every process number
		write(t, p.Dir, ".minos-sub"+never+"/a", "half")
		write(t, p.Dir, ".minos-sub~1/a", "of a process that runs")
		must(t, p.Fresh("sub", "new", []scaffold.File{file("a", "a")}))
		must(t, p.Write(t.Context()))
		same(t, held(t, p.Dir), map[string]string{
			"sub/": "", "sub/a": "a", ".minos-sub~1/": "", ".minos-sub~1/a": "of a process that runs",
		})
	})
	t.Run("refuses a directory that appeared meanwhile", func(t *testing.T) {
		t.Parallel()
		p := &scaffold.Plan{Dir: t.TempDir()}
		must(t, p.Fresh("sub", "new", []scaffold.File{file("a", "a")}))
		ctx := &endsAfter{Context: t.Context(), n: 9, at: 0, do: func() { write(t, p.Dir, "sub/z", "z") }}
		p.Changes = append(p.Changes, scaffold.Change{File: file("y", "y"), Action: scaffold.Create})
		isConflict(t, p.Write(ctx), "sub was made by somebody else")
		same(t, held(t, p.Dir), map[string]string{"sub/": "", "sub/z": "z"})
	})
}

// endsAfter is canceled after Err was asked for n times; do runs at the second.
type endsAfter struct {
	context.Context
	n, at int
	do    func()
}

func (c *endsAfter) Err() error {
	c.at++
	if c.at == 2 && c.do != nil {
		c.do()
	}
	if c.at > c.n {
		return context.Canceled
	}
	return nil
}

func TestPlan_Print(t *testing.T) {
	t.Parallel()
	p := &scaffold.Plan{Dir: "/p", Changes: []scaffold.Change{
		{File: file("a/third_party/x/1", ""), Action: scaffold.Create, Reason: "new"},
		{File: file("a/third_party/x/2", ""), Action: scaffold.Create, Reason: "new"},
		{File: file("b", "b"), Action: scaffold.Replace, Reason: "database"},
		{File: file("c", "c"), Action: scaffold.Keep, Reason: "new"},
	}}
	var out strings.Builder
	must(t, p.Print(&out))
	want := "create   a/third_party/ (2 files)  # new\nreplace  b  # database\n"
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
	text, err := json.Marshal(p)
	must(t, err)
	if !strings.Contains(string(text), `{"path":"b","action":"replace","reason":"database","mode":"0644","sha256":"3e23`) {
		t.Errorf("got %s", text)
	}
	out.Reset()
	must(t, (&scaffold.Plan{}).Print(&out))
	if out.String() != "nothing to change\n" {
		t.Errorf("got %s", out.String())
	}
}

func TestVendor(t *testing.T) {
	t.Parallel()
	source := fstest.MapFS{}
	for _, name := range []string{
		"fw/unit/unit.go", "fw/unit/unit_test.go", "fw/unit/unittest/suite.go", "fw/unit/testdata/x",
		"fw/pg/pg.go", "fw/pg/schema/1.sql", "fw/pg/internal/sql/one.sql", "fw/pg/internal/sql/one_test.go",
		"fw/other/other.go",
	} {
		source[name] = &fstest.MapFile{Data: []byte(name)}
	}
	files, err := scaffold.Vendor(source, []string{"fw/unit", "fw/pg"}, "third_party/fw", file("go.mod", "module fw\n"))
	must(t, err)
	got := map[string]string{}
	for _, f := range files {
		got[f.Path] = string(f.Content)
	}
	sums := got["third_party/fw/SHA256SUMS"]
	delete(got, "third_party/fw/SHA256SUMS")
	same(t, got, map[string]string{
		"third_party/fw/fw/unit/unit.go":            "fw/unit/unit.go",
		"third_party/fw/fw/pg/pg.go":                "fw/pg/pg.go",
		"third_party/fw/fw/pg/schema/1.sql":         "fw/pg/schema/1.sql",
		"third_party/fw/fw/pg/internal/sql/one.sql": "fw/pg/internal/sql/one.sql",
		"third_party/fw/go.mod":                     "module fw\n",
	})
	written := scaffold.ReadSums("third_party/fw", []byte(sums))
	if len(written) != len(got) || written["third_party/fw/go.mod"] != scaffold.Sum([]byte("module fw\n")) {
		t.Errorf("got %v", written)
	}
	if _, err := scaffold.Vendor(source, []string{"fw/none"}, "x"); err == nil {
		t.Error("a package that is not there was vendored")
	}
}
