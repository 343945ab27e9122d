package rest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/rest"
)

// greetings is a query service.
type greetings struct{}

type greet struct {
	Name string `path:"name"`
}

func (greetings) Routes(r *cqrs.Queries) {
	cqrs.Query(r, func(_ context.Context, in greet) (string, error) {
		return "hello " + in.Name, nil
	}, cqrs.REST(http.MethodGet, "/greetings/{name:[a-z]+}"))
}

func ExampleServer() {
	ctx := context.Background()
	store, _ := memory.Open(ctx, memory.Config{})
	router, err := cqrs.NewRouter(greetings{})
	if err != nil {
		fmt.Println(err)
		return
	}
	dispatcher := cqrs.NewDispatcher(router, store, nil, cqrs.Config{})
	server, err := rest.New(dispatcher, rest.Config{Address: "127.0.0.1:0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := server.Listen(ctx); err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = server.Serve() }()
	defer func() { _ = server.Shutdown(ctx) }()

	for _, path := range []string{"/greetings/ann", "/greetings/007"} {
		response, err := http.Get("http://" + server.Addr().String() + path)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		fmt.Print(response.StatusCode, " ", string(body))
	}
	// Output:
	// 200 "hello ann"
	// 404 {"type":"about:blank","title":"Not Found","status":404,"detail":"there is nothing at this path"}
}
