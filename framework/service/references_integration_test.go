//go:build integration

package service_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/cqrs"
	"github.com/minos-framework/minos-go/framework/kafka"
)

// Over a real Kafka: what a handler resolves after it has handled an event is
// never older than the event.
func TestReferences_kafka(t *testing.T) {
	t.Parallel()
	servers := os.Getenv("MINOS_TEST_KAFKA")
	if servers == "" {
		t.Fatal("MINOS_TEST_KAFKA is not set; it names a running Kafka (`make test` starts one)")
	}
	open := func() *kafka.Broker {
		b, err := kafka.Open(t.Context(), kafka.Config{Servers: strings.Split(servers, ",")})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	run := strings.ReplaceAll(uuid.NewString(), "-", "")[:8] // groups of this run, since the server has those of others
	heard := make(chan aggregate.UUID, 10_000)
	authorService := start(t, open(), "author-"+run, newAuthors)
	reviewService := start(t, open(), "review-"+run, newReviews(reviews{heard: heard}))

	var created cqrs.Created
	post(t, authorService, "/authors", createAuthor{Name: "name 0"}, &created)
	missing := uuid.New()
	for n := range 10 {
		want := fmt.Sprintf("name %d", n)
		if n > 0 {
			post(t, authorService, "/authors/"+created.UUID.String(), createAuthor{Name: want}, nil)
			await(t, heard, created.UUID)
		}
		for range 2 { // asked for, then from the cache
			var got named
			status := post(t, reviewService, "/names", namesRequest{[]aggregate.UUID{created.UUID, missing}}, &got)
			if status != http.StatusOK || got.Names[created.UUID] != want || !strings.Contains(got.Failed[missing], "was not found") {
				t.Fatalf("resolved to %+v (%d), want %s", got, status, want)
			}
		}
	}
}

// await returns when an event of an author was handled.
func await(t *testing.T, heard <-chan aggregate.UUID, id aggregate.UUID) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		select {
		case of := <-heard:
			if of == id {
				return
			}
		case <-deadline:
			t.Fatal("the event was not handled")
		}
	}
}
