// The stand-in is a service of a project in the tests of deploy/local: the
// standard library alone, and what a service has to do to be run. A file
// "behaviour" beside it tells it to misbehave.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	behaviour, err := os.ReadFile("behaviour")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		panic(err)
	}
	pid := []byte(strconv.Itoa(os.Getpid()))
	if err := os.WriteFile("pid", pid, 0o644); err != nil {
		panic(err)
	}
	fmt.Fprintln(os.Stderr, `{"msg":"started","mode":"`+mode+`"}`)
	serve(strings.TrimSpace(string(behaviour)))
}

func serve(behaviour string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if behaviour == "crash" {
		for i := range 30 {
			fmt.Fprintln(os.Stderr, "line", i)
		}
		fmt.Fprint(os.Stderr, "no such database")
		os.Exit(3)
	}
	if behaviour == "endless" {
		fmt.Print(strings.Repeat("~", 3<<20))
	}
	address := net.JoinHostPort(
		os.Getenv("MINOS_INTERFACES_HTTP_CONNECTOR_HOST"), os.Getenv("MINOS_INTERFACES_HTTP_CONNECTOR_PORT"))
	http.HandleFunc("GET /system/health", func(w http.ResponseWriter, _ *http.Request) {
		if behaviour == "sick" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintln(w, `{"status":"up","checks":{"database":"asleep"}}`)
	})
	http.HandleFunc("GET /environment", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(append(os.Environ(), "ARGUMENTS="+strings.Join(os.Args[1:], "|")))
	})
	http.HandleFunc("POST /exit", func(http.ResponseWriter, *http.Request) { os.Exit(7) })
	go func() { fmt.Fprintln(os.Stderr, http.ListenAndServe(address, nil)) }()
	<-ctx.Done()
	if behaviour == "stubborn" {
		select {}
	}
	fmt.Println("drained")
}
