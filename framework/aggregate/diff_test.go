package aggregate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/domain"
	"github.com/minos-framework/minos-go/framework/unit"
)

func topicsOf(messages []unit.Message) string {
	var topics []string
	for _, m := range messages {
		topics = append(topics, m.Topic)
	}
	return strings.Join(topics, " ")
}

func decodeEvent(t testing.TB, m unit.Message) (e aggregate.Event[Cart]) {
	t.Helper()
	if err := json.Unmarshal(m.Content, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestIncrementalFieldDiff(t *testing.T) {
	t.Parallel()
	t.Run("a create event holds whole sets", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{Tags: domain.NewValueSet("a", "b"), Items: domain.NewEntitySet(newItem("pen", 1))})
		messages := b.messages(t, cart.UUID)
		e := decodeEvent(t, messages[0])
		tags, ok := aggregate.Field[[]string](e, "tags")
		if !ok || fmt.Sprint(tags) != "[a b]" || e.Diff("tags")[0].Incremental() {
			t.Errorf("tags are %v in %+v", tags, e)
		}
		if got := topicsOf(messages); got != "CartCreated" {
			t.Errorf("it is published on %s", got)
		}
	})
	t.Run("an update tells sets by element, and publishes a message for each", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		pen, ink := newItem("pen", 1), newItem("ink", 2)
		cart := b.create(t, &Cart{Tags: domain.NewValueSet("a", "b"), Items: domain.NewEntitySet(pen, ink)})
		pen.Count = 7
		cart.Items.Remove(ink.UUID)
		cart.Items.Add(newItem("cap", 3), newItem("nib", 4))
		cart.Tags.Remove("a")
		cart.Tags.Add("c")
		cart.Status = "open"
		b.save(t, cart)
		messages := b.messages(t, cart.UUID)
		want := "CartUpdated CartUpdated.status CartUpdated.tags.create CartUpdated.tags.delete" +
			" CartUpdated.items.create CartUpdated.items.create CartUpdated.items.update CartUpdated.items.delete"
		if got := topicsOf(messages); got != want {
			t.Fatalf("it is published on %s", got)
		}
		seen := map[string]bool{}
		for i, m := range messages {
			if seen[m.ID.String()] {
				t.Errorf("the message on %s has the ID of another", m.Topic)
			}
			seen[m.ID.String()] = true
			if n := len(decodeEvent(t, m).Fields); i > 0 && n != 1 {
				t.Errorf("%s holds %d changes, want 1", m.Topic, n)
			}
		}
		changed, ok := aggregate.Elements[Item](decodeEvent(t, messages[6]), "items", unit.Update)
		if !ok || len(changed) != 1 || changed[0].Name != "pen" || changed[0].Count != 7 || changed[0].UUID != pen.UUID {
			t.Errorf("the changed items are %+v, %t", changed, ok)
		}
	})
	t.Run("fields are read by name, as values or as diffs", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		cart := b.create(t, &Cart{Tags: domain.NewValueSet("a")})
		cart.Tags.Add("b", "c")
		cart.Tags.Remove("a")
		cart.Total = 5
		b.save(t, cart)
		e := decodeEvent(t, b.messages(t, cart.UUID)[0])
		added, _ := aggregate.Elements[string](e, "tags", unit.Create)
		removed, _ := aggregate.Elements[string](e, "tags", unit.Delete)
		all, ok := aggregate.Field[[]string](e, "tags")
		if !ok || fmt.Sprint(added, removed, all) != "[b c] [a] [b c a]" {
			t.Errorf("got %v, %v and %v", added, removed, all)
		}
		if diffs := e.Diff("total"); len(diffs) != 1 || string(diffs[0].Value) != "5" || diffs[0].Incremental() {
			t.Errorf("total is %+v", diffs)
		}
		if diffs := e.Diff("tags"); len(diffs) != 3 || diffs[0].Action != unit.Create || diffs[2].Action != unit.Delete {
			t.Errorf("tags are %+v", diffs)
		}
		if _, ok := aggregate.Elements[int](e, "tags", unit.Create); ok {
			t.Error("texts were read as numbers")
		}
		if diffs := e.Diff("status"); diffs != nil {
			t.Errorf("status did not change, but is %+v", diffs)
		}
	})
	t.Run("all of its topics are listed", func(t *testing.T) {
		t.Parallel()
		b := setupCarts(t)
		want := "CartCreated CartDeleted CartGotTag CartPaid CartUpdated CartUpdated.items CartUpdated.items.create" +
			" CartUpdated.items.delete CartUpdated.items.update CartUpdated.note CartUpdated.status CartUpdated.tags" +
			" CartUpdated.tags.create CartUpdated.tags.delete CartUpdated.total"
		if got := strings.Join(b.registry.Topics(), " "); got != want {
			t.Errorf("topics: %s", got)
		}
	})
}
