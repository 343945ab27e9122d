package scaffold

import (
	"bytes"
	"fmt"
	"go/format"
	"io/fs"
	"path"
	"strings"
	"text/template"
)

// File is a file to be written.
type File struct {
	Path    string // with slashes, in the plan's directory
	Mode    fs.FileMode
	Content []byte
}

// Rendering says what a tree of templates becomes.
//
// A tree is Go that compiles where it stands, written for one example name:
// widget-part, with WidgetPart, widgetParts, widget_part and so on each where a
// name of such a form belongs. Each form becomes that of the new name, in paths
// as in files. Files named .tmpl are text/templates of Data besides.
type Rendering struct {
	// From is the example that the tree is written for, To what it becomes.
	From, To Name
	// Module is the import path of the tree as it stands, NewModule of what is
	// rendered.
	Module, NewModule string
	// Own starts the import paths that stand in the last group of a file's
	// imports. Empty means NewModule.
	Own string
	// Data is what .tmpl files are executed with. A key that it lacks is an error.
	Data any
}

// Render returns the files of tree, in the order of their paths. Nothing is
// written: a tree that cannot be rendered whole is an error that names the
// file. A new name that would clash with another identifier of the tree is a
// *NameError.
func (r Rendering) Render(tree fs.FS) ([]File, error) {
	var files []File
	swap, clash := r.replacer(), newClashes()
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if path.Ext(name) == ".go" {
			if err := clash.read(name, source, swap); err != nil {
				return err
			}
		}
		file, err := r.file(name, source, swap)
		if err != nil {
			return fmt.Errorf("render %s: %w", name, err)
		}
		files = append(files, file)
		return nil
	})
	if err == nil {
		err = clash.check(r.To, swap)
	}
	if err != nil {
		return nil, err
	}
	return files, nil
}

// file renders one file.
func (r Rendering) file(name string, source []byte, swap *strings.Replacer) (File, error) {
	to := swap.Replace(name)
	content, err := []byte(swap.Replace(string(source))), error(nil)
	if rest, ok := strings.CutSuffix(to, ".tmpl"); ok {
		to = rest
		content, err = r.execute(name, content)
	} else if path.Ext(name) == ".go" {
		content, err = r.tidy(content)
	}
	return File{Path: to, Mode: mode(to, source), Content: content}, err
}

// mode is of a new file: an embedded one has lost its own. What starts with #!
// is run; .env holds secrets.
func mode(name string, source []byte) fs.FileMode {
	switch {
	case path.Base(name) == ".env":
		return 0o600
	case bytes.HasPrefix(source, []byte("#!")):
		return 0o755
	}
	return 0o644
}

// execute renders a text/template. Rendered Go is formatted, which also finds
// what is no Go.
func (r Rendering) execute(name string, source []byte) ([]byte, error) {
	t, err := template.New(path.Base(name)).Option("missingkey=error").Parse(string(source))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, r.Data); err != nil {
		return nil, err
	}
	if strings.HasSuffix(name, ".go.tmpl") {
		return format.Source(out.Bytes())
	}
	return out.Bytes(), nil
}

// tidy puts imports and alignment in order: other names have other lengths.
func (r Rendering) tidy(source []byte) ([]byte, error) {
	own := r.Own
	if own == "" {
		own = r.NewModule
	}
	grouped, err := groupImports(source, own)
	if err != nil {
		return nil, err
	}
	return format.Source(grouped)
}
