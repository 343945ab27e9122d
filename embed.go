// Package minos carries what the minos command writes into projects: the
// framework's source, the templates, and the versions of the modules they need.
package minos

import "embed"

// Source is this module as services are made of: framework/, templates/, go.mod,
// go.sum and LICENSE. A go.mod inside templates is called go.mod.tmpl: the go command
// takes a directory with a go.mod for another module, and embeds nothing of it.
//
//go:embed LICENSE go.mod go.sum all:framework all:templates
var Source embed.FS
