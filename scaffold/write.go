package scaffold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Write does what the plan says. All files are first written under other names,
// then moved to their places in the plan's order, a new directory as a whole. An
// error or the end of ctx before the first move leaves nothing behind. Killed
// between two moves, the same command finishes the rest: callers put the file
// that makes the others count last.
func (p *Plan) Write(ctx context.Context) error {
	root, base, err := p.open()
	if err != nil {
		return err
	}
	defer root.Close()
	w := &writer{root: root, base: base, staged: map[string]string{}, made: map[string]bool{}}
	defer w.sweep()
	for _, change := range p.Changes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.stage(change); err != nil {
			return p.failed(change, err)
		}
	}
	for _, change := range p.Changes {
		if err := w.settle(change); err != nil {
			return p.failed(change, err)
		}
	}
	return nil
}

// failed names the file that was to be written, and not the name it had meanwhile.
func (p *Plan) failed(c Change, err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	} else if at, ok := errors.AsType[*os.LinkError](err); ok {
		err = at.Err
	}
	return fmt.Errorf("write %s: %w", filepath.Join(p.Dir, filepath.FromSlash(c.Path)), err)
}

// writer is one run of Write.
type writer struct {
	root   *os.Root
	base   string            // of the plan, in root
	staged map[string]string // what is written: its place -> where it stands meanwhile
	dirs   []string          // places in staged that are new directories
	made   map[string]bool   // directories that are there
}

// stage writes a file beside its place, or into the new directory that will hold it.
func (w *writer) stage(c Change) error {
	if c.Action != Create && c.Action != Replace {
		return nil
	}
	if !fs.ValidPath(c.Path) {
		return &ConflictError{Paths: []string{c.Path}, Problem: "leads out of the directory"}
	}
	place := path.Join(w.base, c.Path)
	if dir := w.newDir(place); dir != "" {
		meanwhile := w.staged[dir]
		if meanwhile == "" {
			var err error
			if meanwhile, err = w.claim(dir); err != nil {
				return err
			}
			w.dirs = append(w.dirs, dir)
		}
		to := meanwhile + strings.TrimPrefix(place, dir)
		if parent := path.Dir(to); !w.made[parent] {
			if err := w.root.MkdirAll(parent, 0o755); err != nil {
				return err
			}
			w.made[parent] = true
		}
		return w.root.WriteFile(to, c.Content, c.Mode)
	}
	meanwhile, err := w.claim(place)
	if err != nil {
		return err
	}
	return w.root.WriteFile(meanwhile, c.Content, c.Mode)
}

// newDir returns the highest directory of place that does not exist, or "".
func (w *writer) newDir(place string) string {
	for _, dir := range w.dirs {
		if strings.HasPrefix(place, dir+"/") {
			return dir
		}
	}
	missing := ""
	for dir := path.Dir(place); dir != "."; dir = path.Dir(dir) {
		if _, err := w.root.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = dir
	}
	return missing
}

// claim finds a name for place meanwhile, and takes away what runs that were
// killed have left under such names.
func (w *writer) claim(place string) (string, error) {
	dir, base := path.Split(place)
	prefix := ".minos-" + base + "~"
	entries, err := fs.ReadDir(w.root.FS(), path.Clean("./"+dir))
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		pid, found := strings.CutPrefix(entry.Name(), prefix)
		if n, err := strconv.Atoi(pid); found && err == nil && (n == os.Getpid() || !alive(n)) {
			if err := w.root.RemoveAll(dir + entry.Name()); err != nil {
				return "", err
			}
		}
	}
	w.staged[place] = dir + prefix + strconv.Itoa(os.Getpid())
	return w.staged[place], nil
}

// alive reports whether a process runs.
func alive(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil || runtime.GOOS == "windows" {
		return err == nil // Windows finds only those that run
	}
	err = process.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, syscall.EPERM)
}

// settle does in its place what the change is.
func (w *writer) settle(c Change) error {
	place := path.Join(w.base, c.Path)
	switch c.Action {
	case Remove:
		return w.remove(place)
	case Create, Replace:
		return w.move(place)
	}
	return nil
}

// move moves a staged file, or the new directory that it is in, to its place.
func (w *writer) move(place string) error {
	for _, dir := range w.dirs {
		if strings.HasPrefix(place, dir+"/") {
			place = dir
		}
	}
	meanwhile, waits := w.staged[place]
	if !waits {
		return nil // its directory is in place already
	}
	err := w.root.Rename(meanwhile, place)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
		return &ConflictError{Paths: []string{place}, Problem: "was made by somebody else meanwhile"}
	}
	if err == nil {
		delete(w.staged, place)
	}
	return err
}

// remove takes a file away, and the directories that are empty without it.
func (w *writer) remove(place string) error {
	if err := w.root.Remove(place); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir := path.Dir(place)
	for dir != w.base && dir != "." && w.root.Remove(dir) == nil { // until one holds other files
		dir = path.Dir(dir)
	}
	return nil
}

// sweep takes away what was written and never moved.
func (w *writer) sweep() {
	for _, meanwhile := range w.staged {
		_ = w.root.RemoveAll(meanwhile) // the error that led here says more
	}
}
