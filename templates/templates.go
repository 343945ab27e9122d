// Package templates carries the trees that projects and services are rendered
// from. Its Go is Go of this module: it compiles, is vetted and tested here, and
// is its own rendering.
//
//	project/             the files of a project (not Go)
//	service/             a service
//	database/<name>/     what a service has instead when its database is not postgres
//	quickstart/<name>/   what the quickstart's services foo and foobar have instead
//
// A service's template is written for a service called widget-part. Its words,
// and what they become for a service called order-line:
//
//	widget-part   the name                      order-line
//	widget-parts  the name's plural, in paths   order-lines
//	widget_part   in SQL                        order_line
//	widgetpart    the package                   orderline
//	widgetParts   several, in Go                orderLines
//	widgetPart    one, in Go                    orderLine
//	WidgetPart    the type, and in topics       OrderLine
//	widget part   in sentences                  order line
//
// The import path of service/ becomes the service's module; the framework's
// stays, since a service vendors it under its own name.
package templates

import "embed"

// FS holds the trees.
//
//go:embed all:project all:service all:database all:quickstart
var FS embed.FS
