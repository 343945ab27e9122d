package postgres_test

import (
	"context"
	"testing"

	"github.com/minos-framework/minos-go/framework/postgres"
)

func TestPages(t *testing.T) {
	t.Parallel()
	t.Run("cancel what is read ahead when the loop is left, and wait for its end", func(t *testing.T) {
		t.Parallel()
		ended := false
		pages := postgres.Pages(t.Context(), func(ctx context.Context, _ *int, n int) ([]int, error) {
			if n == 2*postgres.Page {
				<-ctx.Done()
				ended = true
				return nil, ctx.Err()
			}
			return make([]int, postgres.Page), nil
		})
		n := 0
		for _, err := range pages {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n > postgres.Page {
				break
			}
		}
		if !ended {
			t.Error("the page that was read ahead was left behind")
		}
	})
}
