package buildcontext_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/deploy/buildcontext"
)

// setup writes a context: files by name and content.
func setup(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, dir string) *buildcontext.Context {
	t.Helper()
	c, err := buildcontext.Open(dir, "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func hash(t *testing.T, dir string) string {
	t.Helper()
	sum, err := open(t, dir).Hash("", nil)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// entries returns what the archive of a context holds.
func entries(t *testing.T, dir string) map[string]*tar.Header {
	t.Helper()
	var archive bytes.Buffer
	if err := open(t, dir).WriteTar(&archive); err != nil {
		t.Fatal(err)
	}
	all := map[string]*tar.Header{}
	reader := tar.NewReader(&archive)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[header.Name] = header
	}
}

func TestContext_WriteTar(t *testing.T) {
	t.Parallel()
	t.Run("leaves out what .dockerignore names, and not what it takes back", func(t *testing.T) {
		t.Parallel()
		dir := setup(t, map[string]string{
			"Dockerfile":    "FROM scratch\n",
			".dockerignore": "# no docs\n*.md\nvendor\n!vendor/keep\n**/*.log\nDockerfile\nempty/\n",
			"main.go":       "package main", "README.md": "x", "docs/deep.md": "kept: the pattern is of the top",
			"vendor/drop/x": "1", "vendor/keep/y": "2", "a/b/c.log": "3", "empty/z": "4",
		})
		var got []string
		for name := range entries(t, dir) {
			if !strings.HasSuffix(name, "/") {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		want := []string{".dockerignore", "Dockerfile", "docs/deep.md", "main.go", "vendor/keep/y"}
		if !slices.Equal(got, want) {
			t.Errorf("the archive holds %q; want %q", got, want)
		}
	})
	t.Run("keeps links and what may be executed, and nothing of this machine", func(t *testing.T) {
		t.Parallel()
		dir := setup(t, map[string]string{"Dockerfile": "FROM scratch\n", "run.sh": "x"})
		if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("run.sh", filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		all := entries(t, dir)
		if h := all["link"]; h == nil || h.Typeflag != tar.TypeSymlink || h.Linkname != "run.sh" {
			t.Errorf("the link is %+v", h)
		}
		if all["run.sh"].Mode != 0o755 || all["Dockerfile"].Mode != 0o644 {
			t.Errorf("modes are %o and %o", all["run.sh"].Mode, all["Dockerfile"].Mode)
		}
		if h := all["run.sh"]; h.Uid != 0 || h.Uname != "" {
			t.Errorf("the archive tells of %d, %q", h.Uid, h.Uname)
		}
	})
	t.Run("gives another time to a file of other content, by which Go's build cache knows it", func(t *testing.T) {
		t.Parallel()
		header := func(source string) *tar.Header {
			return entries(t, setup(t, map[string]string{"Dockerfile": "FROM scratch\n", "main.go": source}))["main.go"]
		}
		a, b, again := header("package aa\n"), header("package bb\n"), header("package aa\n")
		if a.ModTime.Equal(b.ModTime) || !a.ModTime.Equal(again.ModTime) || a.ModTime.After(time.Now()) || a.ModTime.Year() < 2001 {
			t.Errorf("the times are %v, %v and %v", a.ModTime, b.ModTime, again.ModTime)
		}
		if a.Format == tar.FormatPAX {
			t.Error("Engine 20.10 does not take a PAX archive")
		}
	})
}

func TestContext_Hash(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"Dockerfile": "FROM scratch\n", "main.go": "package main", ".dockerignore": "*.md\n", "x.md": "1",
	}
	dir := setup(t, files)
	before := hash(t, dir)
	t.Run("is the same for the same content, whenever it was written", func(t *testing.T) {
		t.Parallel()
		other := setup(t, files)
		if err := os.Chtimes(filepath.Join(other, "main.go"), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if after := hash(t, other); after != before {
			t.Errorf("the hash is %s; want %s", after, before)
		}
	})
	for name, change := range map[string]func(dir string) error{
		"content": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "main.go"), []byte("package x"), 0o600)
		},
		"a name": func(dir string) error {
			return os.Rename(filepath.Join(dir, "main.go"), filepath.Join(dir, "m.go"))
		},
		"a mode":                 func(dir string) error { return os.Chmod(filepath.Join(dir, "main.go"), 0o700) },
		"a new, empty directory": func(dir string) error { return os.Mkdir(filepath.Join(dir, "new"), 0o755) },
	} {
		t.Run("changes with "+name, func(t *testing.T) {
			t.Parallel()
			changed := setup(t, files)
			if err := change(changed); err != nil {
				t.Fatal(err)
			}
			if hash(t, changed) == before {
				t.Error("the hash is the same")
			}
		})
	}
	t.Run("does not change with what is left out", func(t *testing.T) {
		t.Parallel()
		changed := setup(t, files)
		if err := os.WriteFile(filepath.Join(changed, "x.md"), []byte("2"), 0o600); err != nil {
			t.Fatal(err)
		}
		if hash(t, changed) != before {
			t.Error("the hash changed")
		}
	})
	t.Run("changes with the target and the arguments", func(t *testing.T) {
		t.Parallel()
		c := open(t, dir)
		target, err := c.Hash("run", nil)
		if err != nil {
			t.Fatal(err)
		}
		args, err := c.Hash("", map[string]string{"A": "1"})
		if err != nil {
			t.Fatal(err)
		}
		if target == before || args == before || target == args {
			t.Errorf("hashes are %s, %s and %s", before, target, args)
		}
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := setup(t, map[string]string{"Dockerfile": "FROM scratch\n"})
	for name, c := range map[string]struct{ dir, dockerfile, want string }{
		"no directory":         {filepath.Join(dir, "no"), "Dockerfile", "no such file"},
		"no Dockerfile":        {dir, "Other", "no Other in build context"},
		"a Dockerfile outside": {dir, "../Dockerfile", "outside"},
		"a malformed ignore file": {
			setup(t, map[string]string{"Dockerfile": "", ".dockerignore": "[\n"}), "Dockerfile", ".dockerignore",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := buildcontext.Open(c.dir, c.dockerfile); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v; want %q in it", err, c.want)
			}
		})
	}
}

func TestContext_Bases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dockerfile string
		want       []string
	}{
		"stages": {
			"FROM golang:1.26 AS build\nFROM debian:12-slim\nCOPY --from=build /a /b\nCOPY --from=0 /a /b\n",
			[]string{"debian:12-slim", "golang:1.26"},
		},
		"stage on a stage": {"FROM a AS one\nFROM one AS two\nFROM TWO\n", []string{"a"}},
		"scratch":          {"FROM scratch\n", nil},
		"flags":            {"FROM --platform=linux/amd64 a\n", []string{"a"}},
		"arguments": {
			"ARG V=1\nARG W=\"2\"\nFROM a:$V\nFROM b:${W}\nFROM c:${GIVEN}\n", []string{"a:1", "b:2", "c:3"},
		},
		"an argument given": {"ARG GIVEN=9\nFROM a:${GIVEN}\n", []string{"a:3"}},
		"what is not known": {"FROM a:${NOT}\nFROM b\n", []string{"b"}},
		"other images": {
			"FROM a\nCOPY --from=b:1 /x /y\nRUN --mount=type=bind,from=c,target=/m true\n",
			[]string{"a", "b:1", "c"},
		},
		"comments, continued lines, lower case": {"# FROM no\nfrom \\\n  a \\\n  as b\nfrom b\n", []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := open(t, setup(t, map[string]string{"Dockerfile": c.dockerfile})).Bases(map[string]string{"GIVEN": "3"})
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("the bases are %q, %v; want %q", got, err, c.want)
			}
		})
	}
}
