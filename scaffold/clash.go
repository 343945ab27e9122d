package scaffold

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"
)

// clashes finds out whether a new name means something else in a tree already:
// a service called "config" would import two packages of that name.
type clashes struct {
	used    map[string]bool // identifiers that stay as they are
	swapped map[string]bool // identifiers that hold the example's name
}

// newClashes returns a collection that holds nothing yet.
func newClashes() *clashes {
	return &clashes{used: map[string]bool{}, swapped: map[string]bool{}}
}

// read notes the identifiers of a Go file. Fields, methods and what stands
// after a dot have scopes of their own and clash with nothing.
func (c *clashes) read(name string, source []byte, swap *strings.Replacer) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	scoped := map[*ast.Ident]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			scoped[n.Sel] = true
		case *ast.StructType:
			for _, field := range n.Fields.List {
				for _, ident := range field.Names {
					scoped[ident] = true
				}
			}
		case *ast.KeyValueExpr:
			if ident, ok := n.Key.(*ast.Ident); ok {
				scoped[ident] = true
			}
		case *ast.FuncDecl:
			scoped[n.Name] = n.Recv != nil
		case *ast.ImportSpec:
			if imported, err := strconv.Unquote(n.Path.Value); err == nil && n.Name == nil {
				c.note(path.Base(imported), swap)
			}
		case *ast.Ident:
			if !scoped[n] {
				c.note(n.Name, swap)
			}
		}
		return true
	})
	return nil
}

// note files an identifier under what the rendering does to it.
func (c *clashes) note(identifier string, swap *strings.Replacer) {
	if swap.Replace(identifier) == identifier {
		c.used[identifier] = true
	} else {
		c.swapped[identifier] = true
	}
}

// check returns a *NameError when the new name takes an identifier that the
// tree uses.
func (c *clashes) check(to Name, swap *strings.Replacer) error {
	for identifier := range c.swapped {
		if taken := swap.Replace(identifier); c.used[taken] {
			return &NameError{
				Name: to.String(),
				Problem: "clashes with " + taken + " of the generated code; " +
					"choose another, like " + to.String() + "-desk",
			}
		}
	}
	return nil
}
