package scaffold

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Vendor returns the source of packages as a module of its own carries it: each
// directory below source that packages names, with what it embeds and its
// internal packages and without tests, followed by SumsFile. Paths are kept and
// put below dir, where the result will stand. extra are files of the module that
// are not in source, such as its go.mod.
func Vendor(source fs.FS, packages []string, dir string, extra ...File) ([]File, error) {
	var files []File
	for _, pkg := range packages {
		parts, err := vendorPackage(source, pkg, dir)
		if err != nil {
			return nil, fmt.Errorf("vendor %s: %w", pkg, err)
		}
		files = append(files, parts...)
	}
	for _, f := range extra {
		f.Path = path.Join(dir, f.Path)
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return append(files, File{Path: path.Join(dir, SumsFile), Mode: 0o644, Content: sums(dir, files)}), nil
}

// vendorPackage returns the files of one package, below dir.
func vendorPackage(source fs.FS, pkg, dir string) ([]File, error) {
	var files []File
	err := fs.WalkDir(source, pkg, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != pkg && !travels(source, name, pkg):
			return fs.SkipDir
		case entry.IsDir() || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		content, err := fs.ReadFile(source, name)
		files = append(files, File{Path: path.Join(dir, name), Mode: 0o644, Content: content})
		return err
	})
	return files, err
}

// travels reports whether a directory below pkg is a part of it: an internal
// package, or files that it embeds. Other packages and tests' data are not.
func travels(source fs.FS, dir, pkg string) bool {
	if strings.HasPrefix(dir, pkg+"/internal") {
		return path.Base(dir) != "testdata"
	}
	packages, err := fs.Glob(source, dir+"/*.go")
	return err == nil && len(packages) == 0 && path.Base(dir) != "testdata"
}

// SumsFile names the file that lists the hashes of the vendored files, in the
// format that sha256sum checks.
const SumsFile = "SHA256SUMS"

// sums returns the content of a SumsFile in dir.
func sums(dir string, files []File) []byte {
	var out bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&out, "%s  %s\n", Sum(f.Content), strings.TrimPrefix(f.Path, dir+"/"))
	}
	return out.Bytes()
}

// ReadSums returns the hashes that a SumsFile in dir lists, by path.
func ReadSums(dir string, content []byte) map[string]string {
	written := map[string]string{}
	for line := range strings.Lines(string(content)) {
		if sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  "); ok {
			written[path.Join(dir, name)] = sum
		}
	}
	return written
}
