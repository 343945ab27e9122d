package unittest

import (
	"fmt"
	"testing"

	"github.com/minos-framework/minos-go/framework/aggregate"
	"github.com/minos-framework/minos-go/framework/privacy"
	"github.com/minos-framework/minos-go/framework/query"
)

// runKeys tests where the keys of personal data are kept.
func runKeys(t *testing.T, open Opener) {
	test(t, open, "keeps the key that was first", func(t *testing.T, s Store) {
		for _, offered := range []string{"first", "second"} {
			key, err := s.CreateSubjectKey(t.Context(), "ann", []byte(offered))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "key", key, privacy.Key{Wrapped: []byte("first")})
		}
		expectKeys(t, s, []string{"bob", "ann", "bob", "ann"}, "", "first", "", "first")
		expectKeys(t, s, nil)
	})
	test(t, open, "of those who make one key at once, all get the same", func(t *testing.T, s Store) {
		keys := make([]string, 8)
		parallel(t, len(keys), func(i int) error {
			key, err := s.CreateSubjectKey(t.Context(), "ann", []byte{'a' + byte(i)})
			keys[i] = string(key.Wrapped)
			return err
		})
		for _, key := range keys {
			equal(t, "key", key, keys[0])
		}
		expectKeys(t, s, []string{"ann"}, keys[0])
	})
	test(t, open, "makes no other key for a subject that was forgotten", func(t *testing.T, s Store) {
		if _, err := s.CreateSubjectKey(t.Context(), "ann", []byte("key")); err != nil {
			t.Fatal(err)
		}
		for _, subject := range []string{"ann", "ann", "never seen"} {
			if err := s.ForgetSubject(t.Context(), subject); err != nil {
				t.Fatal(err)
			}
			key, err := s.CreateSubjectKey(t.Context(), subject, []byte("another"))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "key", key, privacy.Key{Forgotten: true})
		}
		expectKeys(t, s, []string{"bob", "ann"}, "", "forgotten")
	})
	test(t, open, "reads the keys of many", func(t *testing.T, s Store) {
		subjects, want := make([]string, 1500), make([]string, 1500)
		for i := range subjects {
			subjects[i] = string(rune('一' + i))
		}
		for _, i := range []int{0, 700, 1499} {
			want[i] = "key"
			if _, err := s.CreateSubjectKey(t.Context(), subjects[i], []byte("key")); err != nil {
				t.Fatal(err)
			}
		}
		expectKeys(t, s, subjects, want...)
	})
	test(t, open, "keeps what is sealed as it was, and finds, replays and forgets it", func(t *testing.T, s Store) {
		people := openPeople(t, s)
		ann, bob := &person{Ward: 7, Name: "Ann <&> \u2028"}, &person{Ward: 7, Name: "Bob"}
		for _, p := range []*person{ann, bob} {
			if err := people.Create(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				p.Name += "!"
				if err := people.Save(t.Context(), p); err != nil {
					t.Fatal(err)
				}
			}
		}
		names := func() string {
			people := openPeople(t, s) // another process, which holds no keys
			all, err := people.All(t.Context(), query.Equal("ward", 7))
			if err != nil || len(all) != 2 {
				t.Fatalf("found %v, %v", all, err)
			}
			past, err := people.At(t.Context(), ann.UUID, 2)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%q %q %q", past.Name, all[0].Name, all[1].Name)
		}
		equal(t, "names", names(), `"Ann <&> \u2028!" "Ann <&> \u2028!!" "Bob!!"`)
		if err := s.ForgetSubject(t.Context(), ann.UUID.String()); err != nil {
			t.Fatal(err)
		}
		equal(t, "names", names(), `"" "" "Bob!!"`)
		if n, err := people.Rebuild(t.Context()); n != 2 || err != nil {
			t.Fatalf("rebuilt %d, %v", n, err)
		}
		equal(t, "names", names(), `"" "" "Bob!!"`)
	})
}

// person has personal data.
type person struct {
	aggregate.Root
	Ward int    `json:"ward"`
	Name string `json:"name" sensitive:"true"`
}

func openPeople(t *testing.T, s Store) *aggregate.Repository[person] {
	t.Helper()
	vault, err := privacy.New(s, privacy.Config{Master: []byte("0123456789abcdef0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	registry := aggregate.NewRegistry(s)
	registry.Protect(vault)
	people, err := aggregate.NewRepository[person](registry, aggregate.Named("Person"))
	if err != nil {
		t.Fatal(err)
	}
	return people
}

// expectKeys reads keys and compares them; want has "" for none, and
// "forgotten".
func expectKeys(t *testing.T, s Store, subjects []string, want ...string) {
	t.Helper()
	keys, err := s.SubjectKeys(t.Context(), subjects...)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(keys))
	for i, key := range keys {
		if got[i] = string(key.Wrapped); key.Forgotten {
			got[i] += "forgotten"
		}
	}
	if len(got)+len(want) > 0 {
		equal(t, "keys", got, want)
	}
}
