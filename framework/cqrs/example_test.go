package cqrs_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/memory"
)

// Book is a root entity; shelf decides about books, and catalogue answers what they are like.
type Book struct {
	aggregate.Root
	Title string `json:"title"`
}

type shelf struct{ books *aggregate.Repository[Book] }

func (s shelf) Routes(r *cqrs.Commands) {
	cqrs.Command(r, s.add, cqrs.Topic("AddBook"), cqrs.REST(http.MethodPost, "/books"))
}

func (s shelf) add(ctx context.Context, in struct{ Title string }) (cqrs.None, error) {
	if in.Title == "" {
		return cqrs.None{}, cqrs.Errorf(http.StatusBadRequest, "a book has a title")
	}
	return cqrs.None{}, s.books.Create(ctx, &Book{Title: in.Title})
}

type catalogue struct{ books *aggregate.Repository[Book] }

func (c catalogue) Routes(r *cqrs.Queries) { cqrs.Query(r, c.count, cqrs.Topic("CountBooks")) }

func (c catalogue) count(ctx context.Context, _ cqrs.None) (n int, err error) {
	for _, err := range c.books.Find(ctx) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// printer is a broker that prints the answers to queries.
type printer struct{}

func (printer) Publish(_ context.Context, messages ...broker.Message) error {
	for _, m := range messages {
		fmt.Println(m.Topic, m.Status, string(m.Content))
	}
	return nil
}

func ExampleDispatcher() {
	ctx := context.Background()
	store, _ := memory.Open(ctx, memory.Config{})
	books, _ := aggregate.NewRepository[Book](aggregate.NewRegistry(store))
	router, err := cqrs.NewRouter(shelf{books}, catalogue{books})
	if err != nil {
		fmt.Println(err)
		return
	}
	dispatcher := cqrs.NewDispatcher(router, store, printer{}, cqrs.Config{})
	emma := broker.Message{ID: uuid.UUID{1}, Topic: "AddBook", Content: []byte(`{"title":"Emma"}`)}
	for range 2 { // the broker may deliver a message twice; it is handled once
		fmt.Println(dispatcher.Deliver(ctx, emma))
	}
	fmt.Println(dispatcher.Deliver(ctx, broker.Message{ID: uuid.UUID{2}, Topic: "CountBooks", ReplyTo: "Answers"}))
	_, err = dispatcher.Call(ctx, router.Handlers()[0], cqrs.Request{Content: []byte(`{}`)})
	fmt.Println(err)
	// Output:
	// <nil>
	// <nil>
	// Answers 200 1
	// <nil>
	// a book has a title
}
