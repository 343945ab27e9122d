package memory_test

import (
	"bytes"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/memory"
)

func TestStore_Events(t *testing.T) {
	t.Parallel()
	t.Run("ends at once when nothing is left before a far end", func(t *testing.T) {
		t.Parallel()
		var data bytes.Buffer
		w, err := dump.NewWriter(&data, 1<<50)
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, memory.Config{})
		if err := s.Import(t.Context(), &data); err != nil {
			t.Fatal(err)
		}
		for e, err := range s.Events(t.Context(), aggregate.EventQuery{}) {
			t.Errorf("got %+v, %v", e, err)
		}
	})
}
