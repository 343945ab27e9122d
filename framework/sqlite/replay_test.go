package sqlite_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/sqlite"
)

// basket has a field, a set and an event of its own.
type basket struct {
	aggregate.Root
	Total int                     `json:"total"`
	Tags  domain.ValueSet[string] `json:"tags"`
}

type paid struct {
	Amount int `json:"amount"`
}

func (e paid) Apply(b *basket) { b.Total += e.Amount }

func editBasket(t *rapid.T, b *basket) {
	for range rapid.IntRange(0, 4).Draw(t, "edits") {
		tag := rapid.SampledFrom([]string{"a", "b", "é\"\\", "<&>", ""}).Draw(t, "tag")
		switch n := rapid.IntRange(0, 5).Draw(t, "what"); n {
		case 0:
			b.Tags.Remove(tag)
		case 1, 2:
			b.Tags.Add(tag)
		case 3:
			b.Total += n
		default:
			b.Record(paid{Amount: n})
		}
	}
}

// What the events lead to is what was saved, at each version.
func TestStore_replay(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "store.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }() // the file is the test's own
	baskets, err := aggregate.NewRepository[basket](aggregate.NewRegistry(store), aggregate.Records[paid]())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		b, saved := &basket{}, map[int]basket{}
		for range rapid.IntRange(1, 6).Draw(rt, "saves") {
			editBasket(rt, b)
			if err := baskets.Save(t.Context(), b); err != nil {
				rt.Fatal(err)
			}
			saved[b.Version] = basket{Root: b.Root, Total: b.Total, Tags: b.Tags.Clone()}
		}
		if _, err := baskets.Rebuild(t.Context()); err != nil {
			rt.Fatal(err)
		}
		if b, err = baskets.Get(t.Context(), b.UUID); err != nil {
			rt.Fatal(err)
		}
		sameBasket(rt, *b, saved[b.Version])
		for version, want := range saved {
			got, err := baskets.At(t.Context(), b.UUID, version)
			if err != nil {
				rt.Fatal(err)
			}
			sameBasket(rt, *got, want)
		}
	})
}

func sameBasket(t *rapid.T, got, want basket) {
	g, errG := json.Marshal(got)
	w, errW := json.Marshal(want)
	if errG != nil || errW != nil || !reflect.DeepEqual(g, w) {
		t.Fatalf("got %s, %v, want %s, %v", g, errG, w, errW)
	}
}
