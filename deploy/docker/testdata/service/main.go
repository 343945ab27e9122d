// A stand-in for a service: it answers GET /system/health, and does what its
// environment says at start.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if os.Getenv("CRASH") != "" {
		for i := range 25 {
			fmt.Fprintf(os.Stderr, "line %d before the end\n", i+1)
		}
		os.Exit(3)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	http.HandleFunc("GET /system/health", func(w http.ResponseWriter, _ *http.Request) {
		if os.Getenv("SICK") != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"status":"down","checks":{"database":{"status":"down","error":"password refused"}}}`)
			return
		}
		fmt.Fprint(w, `{"status":"up"}`)
	})
	server := &http.Server{Addr: ":8080"}
	context.AfterFunc(ctx, func() { server.Close() })
	fmt.Println("listening")
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
