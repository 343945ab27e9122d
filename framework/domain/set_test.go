package domain_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/minos-framework/minos-go/framework/domain"
)

func TestEntity(t *testing.T) {
	t.Parallel()
	t.Run("gets a uuid of its own when it is made or added", func(t *testing.T) {
		t.Parallel()
		a, b := Line{Entity: domain.NewEntity()}, &Line{}
		set := domain.NewEntitySet(b)
		if a.UUID == uuid.Nil || b.UUID == uuid.Nil || a.UUID == b.UUID || !set.Has(b.UUID) {
			t.Errorf("the uuids are %s and %s", a.UUID, b.UUID)
		}
	})
	t.Run("keeps the uuid that it has", func(t *testing.T) {
		t.Parallel()
		line := Line{Entity: domain.NewEntity()}
		id := line.UUID
		set := domain.NewEntitySet(&line)
		if line.UUID != id || !set.Has(id) {
			t.Errorf("it became %s", line.UUID)
		}
	})
}

func TestEntitySet(t *testing.T) {
	t.Parallel()
	t.Run("is empty when it is zero or nil", func(t *testing.T) {
		t.Parallel()
		var zero domain.EntitySet[Line]
		var none *domain.EntitySet[Line]
		if none.Len() != 0 || none.Has(uuid.Nil) || !none.Equal(&zero) || !zero.Equal(none) || !zero.IsZero() {
			t.Error("nil is not empty")
		}
		for range none.All() {
			t.Error("nil has an entity")
		}
		if _, ok := none.Get(uuid.Nil); ok || zero.Remove(uuid.Nil) {
			t.Error("nil has an entity")
		}
		if clone := none.Clone(); clone.Len() != 0 {
			t.Error("its clone has an entity")
		}
		for _, data := range []string{`null`, `[]`} {
			set := domain.NewEntitySet(&Line{})
			if err := json.Unmarshal([]byte(data), &set); err != nil || set.Len() != 0 {
				t.Errorf("%s is %d long, %v", data, set.Len(), err)
			}
		}
		if data, err := json.Marshal(zero); err != nil || string(data) != "[]" {
			t.Errorf("it is stored as %s, %v", data, err)
		}
	})
	t.Run("replaces the entity with the uuid of what is added", func(t *testing.T) {
		t.Parallel()
		line := &Line{Product: "nut"}
		set := domain.NewEntitySet(line, nil)
		set.Add(&Line{Entity: line.Entity, Product: "bolt"})
		if got, ok := set.Get(line.UUID); !ok || got.Product != "bolt" || set.Len() != 1 {
			t.Errorf("it holds %+v of %d", got, set.Len())
		}
	})
	t.Run("hands out the entities themselves", func(t *testing.T) {
		t.Parallel()
		line := &Line{}
		set := domain.NewEntitySet(line)
		clone := set.Clone()
		got, _ := set.Get(line.UUID)
		got.Count = 9
		if line.Count != 9 || set.Equal(&clone) {
			t.Error("the entity in the set did not change")
		}
		set.Clear()
		if set.Len() != 0 || clone.Len() != 1 {
			t.Error("the clone was cleared with it")
		}
	})
	t.Run("is read from a list, in which the last of a uuid stays", func(t *testing.T) {
		t.Parallel()
		var set domain.EntitySet[Line]
		err := json.Unmarshal([]byte(`[{"uuid":"22222222-2222-2222-2222-222222222222","count":1},{"count":3},
			{"uuid":"22222222-2222-2222-2222-222222222222","count":2}]`), &set)
		got, ok := set.Get(uuid.MustParse("22222222-2222-2222-2222-222222222222"))
		if err != nil || !ok || got.Count != 2 || set.Len() != 2 || set.Has(uuid.Nil) {
			t.Errorf("it is %+v, %v", set, err)
		}
		for _, data := range []string{`[null]`, `{}`, `[1]`} {
			if err := json.Unmarshal([]byte(data), &set); err == nil || set.Len() != 2 {
				t.Errorf("%s was read, or the old set lost", data)
			}
		}
	})
}

// TestEntitySet_Model holds the set to a map, whatever is done with it.
func TestEntitySet_Model(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var set domain.EntitySet[Line]
		want := map[uuid.UUID]int{}
		ids := rapid.Custom(func(t *rapid.T) uuid.UUID { return uuid.UUID{0: rapid.Byte().Draw(t, "id"), 15: 1} })
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				id, count := ids.Draw(t, "id"), rapid.Int().Draw(t, "count")
				set.Add(&Line{Entity: domain.Entity{UUID: id}, Count: count})
				want[id] = count
			},
			"remove": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				if _, there := want[id]; set.Remove(id) != there {
					t.Fatalf("removing %s", id)
				}
				delete(want, id)
			},
			"store": func(t *rapid.T) {
				data, err := json.Marshal(set)
				if err != nil {
					t.Fatal(err)
				}
				var again domain.EntitySet[Line]
				if err := json.Unmarshal(data, &again); err != nil || !again.Equal(&set) {
					t.Fatalf("%s was read as %v, %v", data, again, err)
				}
				set = again
			},
			"": func(t *rapid.T) {
				if set.Len() != len(want) {
					t.Fatalf("%d entities, not %d", set.Len(), len(want))
				}
				last := uuid.UUID{}
				for line := range set.All() {
					if count, ok := want[line.UUID]; !ok || count != line.Count || line.UUID.String() <= last.String() {
						t.Fatalf("%+v after %s", line, last)
					}
					last = line.UUID
				}
			},
		})
	})
}

func TestValueSet(t *testing.T) {
	t.Parallel()
	turin, asti := Address{City: "Turin"}, Address{City: "Asti"}
	t.Run("holds each value once, by what it is", func(t *testing.T) {
		t.Parallel()
		set := domain.NewValueSet(turin, asti, Address{City: "Turin"})
		set.Add(turin)
		if set.Len() != 2 || !set.Has(Address{City: "Asti"}) || !set.Remove(asti) || set.Remove(asti) || set.Len() != 1 {
			t.Errorf("it is %+v", set)
		}
	})
	t.Run("is empty when it is zero or nil", func(t *testing.T) {
		t.Parallel()
		var zero domain.ValueSet[Address]
		var none *domain.ValueSet[Address]
		if none.Len() != 0 || none.Has(turin) || !none.Equal(&zero) || !zero.Equal(none) || !zero.IsZero() {
			t.Error("nil is not empty")
		}
		for range none.All() {
			t.Error("nil has a value")
		}
		if union := none.Union(none); union.Len() != 0 {
			t.Error("their union has a value")
		}
		if data, err := json.Marshal(zero); err != nil || string(data) != "[]" {
			t.Errorf("it is stored as %s, %v", data, err)
		}
	})
	t.Run("has the operations of sets", func(t *testing.T) {
		t.Parallel()
		a, b := domain.NewValueSet(1, 2, 3), domain.NewValueSet(2, 3, 4)
		union, both, rest := a.Union(&b), a.Intersection(&b), a.Difference(&b)
		for want, got := range map[string]domain.ValueSet[int]{"[1,2,3,4]": union, "[2,3]": both, "[1]": rest, "[2,3,4]": b} {
			if data, _ := json.Marshal(got); string(data) != want {
				t.Errorf("%s is wanted, not %s", want, data)
			}
		}
		a.Clear()
		if a.Len() != 0 || union.Len() != 4 {
			t.Error("the union shares its values")
		}
	})
	t.Run("refuses a value that has no JSON when it is stored", func(t *testing.T) {
		t.Parallel()
		set := domain.NewValueSet(1, math.NaN())
		if data, err := json.Marshal(set); err == nil {
			t.Errorf("it is stored as %s", data)
		}
	})
	t.Run("leaves the old values when a list cannot be read", func(t *testing.T) {
		t.Parallel()
		set := domain.NewValueSet("a")
		if err := json.Unmarshal([]byte(`["b",1]`), &set); err == nil || !set.Has("a") || set.Len() != 1 {
			t.Errorf("it is %+v, %v", set, err)
		}
	})
}

// TestValueSet_Model holds the set to a map, whatever is done with it.
func TestValueSet_Model(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.StringN(0, 2, -1))
		added, removed := values.Draw(t, "added"), values.Draw(t, "removed")
		var set domain.ValueSet[string]
		want := map[string]bool{}
		for i, value := range added {
			if i%2 == 0 {
				set.Add(value)
			} else {
				set.Add(value, value)
			}
			want[value] = true
		}
		for _, value := range removed {
			if set.Remove(value) != want[value] {
				t.Fatalf("removing %q", value)
			}
			delete(want, value)
		}
		data, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		var again domain.ValueSet[string]
		if err := json.Unmarshal(data, &again); err != nil || !again.Equal(&set) || again.Len() != len(want) {
			t.Fatalf("%s was read as %v, %v", data, again, err)
		}
		for value := range again.All() {
			if !want[value] {
				t.Fatalf("%q was never added", value)
			}
		}
		if reversed := slices.Collect(set.All()); len(reversed) > 0 {
			slices.Reverse(reversed)
			if other := domain.NewValueSet(reversed...); !other.Equal(&set) {
				t.Fatal("the order of adding matters")
			}
		}
	})
}

func BenchmarkEntitySet_Add(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var set domain.EntitySet[Line]
		for range 10_000 {
			set.Add(&Line{})
		}
	}
}
