// Command minos takes a Go developer from an empty directory to a running
// system of event-sourced microservices, and keeps operating it.
package main

import (
	"context"
	"os"

	"github.com/minos-framework/minos-go/cmd/minos/internal/cli"
	"github.com/minos-framework/minos-go/cmd/minos/internal/terminal"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], terminal.Std()))
}
