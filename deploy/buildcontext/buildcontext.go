// Package buildcontext reads the directory that an image is built from: what of
// it is sent to the engine, a hash that tells whether it changed, and the images
// that its Dockerfile starts from.
package buildcontext

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// Context is a build context. It is made by Open, and is the list of files of
// that moment; their content is read when it is asked for.
type Context struct {
	dir        string
	dockerfile string // in dir, with slashes
	entries    []entry
}

// entry is a file, directory or symbolic link of the context.
type entry struct {
	name string // in the context, with slashes
	mode fs.FileMode
	size int64
	link string
}

// Open lists the build context in dir, leaving out what .dockerignore names; the
// Dockerfile and .dockerignore always belong to it. dockerfile is a path in dir.
func Open(dir, dockerfile string) (*Context, error) {
	c := &Context{dir: dir, dockerfile: path.Clean(filepath.ToSlash(dockerfile))}
	if !filepath.IsLocal(dockerfile) {
		return nil, fmt.Errorf("dockerfile %s is outside of its context", dockerfile)
	}
	ignored, err := c.ignored()
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		return c.visit(name, d, ignored)
	})
	if err != nil {
		return nil, fmt.Errorf("read build context %s: %w", dir, err)
	}
	if !slices.ContainsFunc(c.entries, func(e entry) bool { return e.name == c.dockerfile }) {
		return nil, fmt.Errorf("no %s in build context %s", c.dockerfile, dir)
	}
	return c, nil
}

// ignored reads .dockerignore.
func (c *Context) ignored() (*patternmatcher.PatternMatcher, error) {
	file, err := os.Open(filepath.Join(c.dir, ".dockerignore"))
	if errors.Is(err, fs.ErrNotExist) {
		return patternmatcher.New(nil)
	}
	if err != nil {
		return nil, fmt.Errorf("read .dockerignore: %w", err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("read .dockerignore: %w", err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, fmt.Errorf("read .dockerignore: %w", err)
	}
	return matcher, nil
}

func (c *Context) visit(file string, d fs.DirEntry, ignored *patternmatcher.PatternMatcher) error {
	relative, err := filepath.Rel(c.dir, file)
	if err != nil {
		return err
	}
	name := filepath.ToSlash(relative)
	skip, err := ignored.MatchesOrParentMatches(relative)
	if err != nil {
		return fmt.Errorf("match %s: %w", name, err)
	}
	if skip && name != c.dockerfile && name != ".dockerignore" {
		// A later "!pattern", and the Dockerfile itself, may be below.
		if d.IsDir() && !ignored.Exclusions() && !strings.HasPrefix(c.dockerfile, name+"/") {
			return filepath.SkipDir
		}
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	e := entry{name: name, mode: info.Mode()}
	switch {
	case info.Mode().IsRegular():
		e.size = info.Size()
	case info.Mode()&fs.ModeSymlink != 0:
		if e.link, err = os.Readlink(file); err != nil {
			return err
		}
	case !info.IsDir():
		return nil // sockets, pipes: nothing to build from
	}
	c.entries = append(c.entries, e)
	return nil
}

// Hash returns a hash of the context's names, modes and content, and of what
// else decides the image: the stage that is built and the arguments. Times and
// owners do not count.
func (c *Context) Hash(target string, args map[string]string) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q %q\n", c.dockerfile, target)
	for _, name := range slices.Sorted(maps.Keys(args)) {
		fmt.Fprintf(sum, "%q=%q\n", name, args[name])
	}
	for _, e := range c.entries {
		fmt.Fprintf(sum, "%q %o %q\n", e.name, e.tarMode(), e.link)
		if !e.mode.IsRegular() {
			continue
		}
		if err := c.copyFile(sum, e.name); err != nil {
			return "", fmt.Errorf("hash build context: %w", err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// WriteTar writes the context as the engine takes it: the same content is the
// same archive.
//
// The time of a file is made from its content. Go's build cache, which builds
// keep in a cache mount, takes a file of the same path, size and time for the
// same file; and the times of the disk need a form of archive (PAX) that Engine
// 20.10 does not take.
func (c *Context) WriteTar(w io.Writer) error {
	archive := tar.NewWriter(w)
	for _, e := range c.entries {
		if err := c.writeEntry(archive, e); err != nil {
			return fmt.Errorf("send build context: %w", err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("send build context: %w", err)
	}
	return nil
}

func (c *Context) writeEntry(archive *tar.Writer, e entry) error {
	header := &tar.Header{Name: e.name, Mode: e.tarMode(), Typeflag: tar.TypeReg, Size: e.size, Linkname: e.link}
	switch {
	case e.mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, e.name+"/"
	case e.link != "":
		header.Typeflag = tar.TypeSymlink
	}
	if e.mode.IsRegular() {
		sum := sha256.New()
		if err := c.copyFile(sum, e.name); err != nil {
			return err
		}
		header.ModTime = timeOf(sum.Sum(nil))
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if !e.mode.IsRegular() {
		return nil
	}
	return c.copyFile(archive, e.name)
}

// timeOf returns one of the 2^29 seconds from September 2001 on, all in the
// past: Go's cache does not trust files that are as good as new.
func timeOf(sum []byte) time.Time {
	return time.Unix(1_000_000_000+int64(binary.BigEndian.Uint32(sum)>>3), 0)
}

func (c *Context) copyFile(w io.Writer, name string) error {
	file, err := os.Open(filepath.Join(c.dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it is only read
	if _, err := io.Copy(w, file); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// tarMode returns the permissions that reach the image. Group and others get what
// a umask of 022 leaves, so that the user's umask does not change the image.
func (e entry) tarMode() int64 {
	switch {
	case e.mode&fs.ModeSymlink != 0:
		return 0o777
	case e.mode.IsDir() || e.mode&0o100 != 0:
		return 0o755
	}
	return 0o644
}
