package scaffold

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Action is what a plan does with a file.
type Action string

// The actions. These words are printed, and read by programs.
const (
	Create  Action = "create"
	Replace Action = "replace"
	Remove  Action = "remove"
	Keep    Action = "keep" // it is as it should be
)

// Change is one file of a plan.
type Change struct {
	File
	Action Action
	Reason string // why, in a few words
}

// Plan is what is to be done in a directory. It is made by its methods, which
// look at what is there and write nothing; Write does it. A plan is used by one
// goroutine.
type Plan struct {
	// Dir is the directory's absolute path. It need not exist.
	Dir     string
	Changes []Change
}

// ConflictError says that files or directories are in the way of a plan.
type ConflictError struct {
	Paths   []string // in the plan's directory
	Problem string
}

// Error names what is in the way.
func (e *ConflictError) Error() string { return strings.Join(e.Paths, ", ") + " " + e.Problem }

// Fresh plans the files of a directory that holds nothing else yet. dir lies in
// the plan's directory; files lie in dir. What an earlier run left there and is
// as it should be is kept, so that the same command can finish what was
// interrupted. Anything else is a *ConflictError.
func (p *Plan) Fresh(dir, reason string, files []File) error {
	there, err := p.list(dir)
	if err != nil {
		return err
	}
	wanted := map[string][]byte{}
	for _, f := range files {
		wanted[path.Join(dir, f.Path)] = f.Content
	}
	for _, name := range there {
		if content, ok := wanted[name]; ok {
			if now, err := p.read(name); err == nil && bytes.Equal(now, content) {
				continue
			}
		}
		return &ConflictError{Paths: []string{p.display(dir)}, Problem: "is not empty: it holds " + p.display(name)}
	}
	for _, f := range files {
		f.Path = path.Join(dir, f.Path)
		action := Create
		if slices.Contains(there, f.Path) {
			action = Keep
		}
		p.Changes = append(p.Changes, Change{File: f, Action: action, Reason: reason})
	}
	return nil
}

// Update plans files that minos owns. written holds the hash of each as it was
// last written, by its path in the plan's directory. A file that is no longer as
// it was written was edited: it is kept when nothing about it is to change, and
// else named, with all others of its kind, by one *ConflictError.
func (p *Plan) Update(written map[string]string, reason string, files ...File) error {
	var edited []string
	for _, f := range files {
		now, err := p.read(f.Path)
		action := Replace
		switch {
		case errors.Is(err, fs.ErrNotExist):
			action = Create
		case err != nil:
			return err
		case bytes.Equal(now, f.Content), Sum(f.Content) == written[f.Path]:
			action = Keep // also when it was edited: minos has nothing new for it
		case Sum(now) != written[f.Path]:
			edited = append(edited, f.Path)
			continue
		}
		p.Changes = append(p.Changes, Change{File: f, Action: action, Reason: reason})
	}
	return conflict(edited)
}

// Put plans a file whatever is there: one that was read, changed and given back.
func (p *Plan) Put(reason string, f File) error {
	now, err := p.read(f.Path)
	action := Replace
	switch {
	case errors.Is(err, fs.ErrNotExist):
		action = Create
	case err != nil:
		return err
	case bytes.Equal(now, f.Content):
		action = Keep
	}
	p.Changes = append(p.Changes, Change{File: f, Action: action, Reason: reason})
	return nil
}

// Delete plans that files which minos owns go; written is as for Update. One
// that is gone already is not mentioned.
func (p *Plan) Delete(written map[string]string, reason string, paths ...string) error {
	var edited []string
	for _, name := range paths {
		now, err := p.read(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case Sum(now) != written[name]:
			edited = append(edited, name)
			continue
		}
		p.Changes = append(p.Changes, Change{File: File{Path: name}, Action: Remove, Reason: reason})
	}
	return conflict(edited)
}

// Empty reports whether the plan changes nothing.
func (p *Plan) Empty() bool {
	return !slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Action != Keep })
}

// Sum is the hash by which minos knows its files: SHA-256 in hexadecimal.
func Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// conflict names all edited files at once, so that a user mends them in one go.
func conflict(edited []string) error {
	if len(edited) == 0 {
		return nil
	}
	verb := "was edited"
	if len(edited) > 1 {
		verb = "were edited"
	}
	return &ConflictError{Paths: edited, Problem: verb + "; minos replaces only what it wrote itself"}
}

// open returns the nearest existing directory, the plan's or one above it, and
// the plan's path in it.
func (p *Plan) open() (*os.Root, string, error) {
	above, rest := p.Dir, "."
	for {
		info, err := os.Stat(above)
		if err == nil && !info.IsDir() {
			return nil, "", &ConflictError{Paths: []string{above}, Problem: "is no directory"}
		}
		if err == nil {
			break
		}
		if link, e := os.Lstat(above); e == nil && link.Mode()&fs.ModeSymlink != 0 && !errors.Is(err, fs.ErrPermission) {
			return nil, "", &ConflictError{Paths: []string{above}, Problem: "is a link that leads nowhere"}
		}
		// Of what is below a file, the file is to be named.
		missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
		if !missing || above == filepath.Dir(above) {
			return nil, "", fmt.Errorf("look at %s: %w", above, err)
		}
		above, rest = filepath.Dir(above), path.Join(filepath.Base(above), rest)
	}
	root, err := os.OpenRoot(above)
	if err != nil {
		return nil, "", fmt.Errorf("open %s: %w", above, err)
	}
	return root, rest, nil
}

// read returns a file as it is. A link that leads out of the directory is an error.
func (p *Plan) read(name string) ([]byte, error) {
	root, base, err := p.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	content, err := root.ReadFile(path.Join(base, name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return content, nil
}

// list returns the files below dir by their paths in the plan's directory, with
// links as they are. What git keeps is nobody's file.
func (p *Plan) list(dir string) ([]string, error) {
	root, base, err := p.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var names []string
	err = fs.WalkDir(root.FS(), path.Join(base, dir), func(name string, entry fs.DirEntry, err error) error {
		if base != "." {
			name = path.Clean("./" + strings.TrimPrefix(name, base))
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case !entry.IsDir():
			names = append(names, name)
		case name != dir && name != "." && emptyDir(root, path.Join(base, name)):
			names = append(names, name) // nobody's files, but somebody's folder
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", p.display(dir), err)
	}
	return names, nil
}

// emptyDir reports whether a directory holds nothing.
func emptyDir(root *os.Root, name string) bool {
	entries, err := fs.ReadDir(root.FS(), name)
	return err == nil && len(entries) == 0
}

// display is the path that a message names.
func (p *Plan) display(name string) string {
	if name == "." {
		return p.Dir
	}
	return name
}
