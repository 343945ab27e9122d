package scaffold

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// groupImports sorts the imports of Go source into three groups: the standard
// library, third parties, and paths at or under own. A new module path changes
// both the order and the group of an import.
func groupImports(source []byte, own string) ([]byte, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", source, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return nil, err
	}
	if len(file.Decls) == 0 {
		return source, nil
	}
	decl, ok := file.Decls[0].(*ast.GenDecl)
	if !ok || !decl.Lparen.IsValid() {
		return source, nil
	}
	offset := func(p token.Pos) int { return files.Position(p).Offset }
	var groups [3][]string
	paths := map[string]string{} // by line
	for _, spec := range decl.Specs {
		spec := spec.(*ast.ImportSpec)
		from, to := spec.Pos(), spec.End()
		if spec.Doc != nil {
			from = spec.Doc.Pos()
		}
		if spec.Comment != nil {
			to = spec.Comment.End()
		}
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		line := string(source[offset(from):offset(to)])
		paths[line] = path
		group := importGroup(path, own)
		groups[group] = append(groups[group], line)
	}
	var blocks []string
	for _, group := range groups {
		slices.SortStableFunc(group, func(a, b string) int { return strings.Compare(paths[a], paths[b]) })
		if len(group) > 0 {
			blocks = append(blocks, "\t"+strings.Join(group, "\n\t"))
		}
	}
	head, tail := source[:offset(decl.Lparen)+1], source[offset(decl.Rparen):]
	body := "\n" + strings.Join(blocks, "\n\n") + "\n"
	return slices.Concat(head, []byte(body), tail), nil
}

// importGroup is 0 for the standard library, 1 for third parties, 2 for own. A
// first part without a dot is nobody's host: it is the standard library's.
func importGroup(path, own string) int {
	first, _, _ := strings.Cut(path, "/")
	switch {
	case path == own || strings.HasPrefix(path, own+"/"):
		return 2
	case strings.Contains(first, "."):
		return 1
	}
	return 0
}
