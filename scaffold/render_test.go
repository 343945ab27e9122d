package scaffold_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/minos-framework/minos-go/scaffold"
)

const module = "github.com/acme/tool/templates/service"

const widgetGo = `// Package widgetpart keeps widget parts.
package widgetpart

import (
	"fmt"

	"github.com/acme/tool/framework/aggregate"
	"github.com/acme/tool/templates/service/internal/zebra"
)

// WidgetPart is a widget part of the widget-part microservice; WIDGET_PART is its variable.
type WidgetPart struct {
	aggregate.Root
	WidgetParts []zebra.Zebra ` + "`json:\"widget_parts\"`" + `
	n           int
}

// CreateWidgetPart makes one.
func CreateWidgetPart(widgetParts []WidgetPart) string {
	return fmt.Sprint("/widget-parts", widgetParts)
}
`

func tree(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, body := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(body)}
	}
	return fsys
}

func rendering(t *testing.T, to string) scaffold.Rendering {
	t.Helper()
	return scaffold.Rendering{
		From: name(t, "widget-part"), To: name(t, to),
		Module: module, NewModule: "example.com/shop/" + to,
		Data: map[string]any{"Name": to},
	}
}

func render(t *testing.T, r scaffold.Rendering, files map[string]string) map[string]string {
	t.Helper()
	rendered, err := r.Render(tree(files))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range rendered {
		got[f.Path] = string(f.Content)
	}
	return got
}

func TestRendering_Render(t *testing.T) {
	t.Parallel()
	t.Run("is its own rendering", func(t *testing.T) {
		t.Parallel()
		r := rendering(t, "widget-part")
		r.NewModule, r.Own = module, "github.com/acme/tool"
		const path = "internal/widgetpart/widgetpart.go"
		if got := render(t, r, map[string]string{path: widgetGo})[path]; got != widgetGo {
			t.Errorf("got\n%s", got)
		}
	})
	t.Run("swaps every form, aligns, and groups the imports anew", func(t *testing.T) {
		t.Parallel()
		got := render(t, rendering(t, "order-line"), map[string]string{"internal/widgetpart/widgetpart.go": widgetGo})
		const want = `// Package orderline keeps order lines.
package orderline

import (
	"fmt"

	"github.com/acme/tool/framework/aggregate"

	"example.com/shop/order-line/internal/zebra"
)

// OrderLine is an order line of the order-line microservice; ORDER_LINE is its variable.
type OrderLine struct {
	aggregate.Root
	OrderLines []zebra.Zebra ` + "`json:\"order_lines\"`" + `
	n          int
}

// CreateOrderLine makes one.
func CreateOrderLine(orderLines []OrderLine) string {
	return fmt.Sprint("/order-lines", orderLines)
}
`
		if body := got["internal/orderline/orderline.go"]; body != want {
			t.Errorf("got\n%s", body)
		}
	})
	t.Run("swaps what it put in only once", func(t *testing.T) {
		t.Parallel()
		r := rendering(t, "widget-part-shop")
		r.NewModule = "example.com/widget-part/widget-part-shop"
		got := render(t, r, map[string]string{"a.txt": "widget-part " + module})
		if body := got["a.txt"]; body != "widget-part-shop example.com/widget-part/widget-part-shop" {
			t.Errorf("got %s", body)
		}
	})
	t.Run("executes templates", func(t *testing.T) {
		t.Parallel()
		files := map[string]string{"cmd/widget-part/README.md.tmpl": "# {{.Name}} widget-part\n"}
		got := render(t, rendering(t, "foo"), files)
		if body := got["cmd/foo/README.md"]; body != "# foo foo\n" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("gives files the mode that their work needs", func(t *testing.T) {
		t.Parallel()
		files, err := rendering(t, "foo").Render(tree(map[string]string{".env": "", "run": "#!/bin/sh\n", "z": ""}))
		if err != nil || files[0].Mode != 0o600 || files[1].Mode != 0o755 || files[2].Mode != 0o644 {
			t.Errorf("got %v, %v", files, err)
		}
	})
}

func TestRendering_Render_faults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ path, source, want string }{
		"a key that is missing":     {"a.tmpl", "{{.Nmae}}", `render a.tmpl: template: a.tmpl:1:2: executing "a.tmpl"`},
		"a template that is broken": {"a.tmpl", "{{.Name", "render a.tmpl: template: a.tmpl:1: unclosed action"},
		"Go that is broken":         {"a.go", "package a\nfunc {", "a.go:2:6: expected 'IDENT'"},
		"rendered Go that is broken": {
			"a.go.tmpl", "package {{.Name}}\nfunc {", "render a.go.tmpl: 2:6: expected 'IDENT'",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := rendering(t, "foo").Render(tree(map[string]string{test.path: test.source, "b": "b"}))
			if err == nil || !strings.Contains(err.Error(), test.want) || files != nil {
				t.Errorf("got %v, %v", files, err)
			}
		})
	}
}

func TestRendering_Render_clash(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"main.go": "package main\n\nimport (\n\t\"x/config\"\n\t\"" + module + "/internal/widgetpart\"\n)\n\n" +
			"func main() { all := config.Load; widgetpart.New(all) }\n",
		"internal/widgetpart/a.go": "package widgetpart\n\ntype Commands struct{ field int }\n\n" +
			"type WidgetPart struct{}\n\ntype WidgetParts struct{}\n",
	}
	for to, taken := range map[string]string{
		"config": "config", "all": "all", "commands": "Commands", "command": "Commands",
	} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			_, err := rendering(t, to).Render(tree(files))
			clash, ok := errors.AsType[*scaffold.NameError](err)
			if !ok || !strings.Contains(clash.Error(), "clashes with "+taken+" of") {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, fine := range []string{"field", "load", "order"} {
		if _, err := rendering(t, fine).Render(tree(files)); err != nil {
			t.Errorf("%s: %v", fine, err)
		}
	}
}
