package unittest

import (
	"testing"

	"github.com/minos-framework/minos-go/framework/privacy"
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
