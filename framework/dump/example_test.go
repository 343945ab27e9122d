package dump_test

import (
	"context"
	"fmt"
	"io"

	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/unit"
)

// A store moves into another kind of store as a stream: neither end holds all
// of it. Here both are in memory; sqlite and postgres do the same.
func ExampleStore() {
	ctx := context.Background()
	from, to := must(memory.Open(ctx, memory.Config{})), must(memory.Open(ctx, memory.Config{}))
	w := unit.New(nil)
	w.Publish(unit.Message{Topic: "Orders", Content: []byte(`{"order":7}`)})
	if err := from.Commit(ctx, w); err != nil {
		fmt.Println(err)
	}
	if err := move(ctx, from, to); err != nil {
		fmt.Println(err)
	}
	entries, _, err := to.Pending(ctx, 0, 10)
	fmt.Println(len(entries), string(entries[0].Message.Content), err)
	fmt.Println(move(ctx, from, to))
	// Output:
	// 1 {"order":7} <nil>
	// the store is not empty: a dump is imported into a new one
}

// move imports what is exported meanwhile.
func move(ctx context.Context, from, to dump.Store) error {
	r, w := io.Pipe()
	go func() { w.CloseWithError(from.Export(ctx, w)) }()
	err := to.Import(ctx, r)
	r.CloseWithError(err) // ends the export, if it has not ended
	return err
}

func must(s *memory.Store, err error) *memory.Store {
	if err != nil {
		panic(err)
	}
	return s
}
