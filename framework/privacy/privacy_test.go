package privacy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/framework/memory"
	"github.com/minos-framework/minos-go/framework/privacy"
)

const plain = `"ann@example.com"`

func email() privacy.Place { return privacy.Place{Root: "Customer", Field: "email"} }

// counting is a store of keys that counts what it is asked.
type counting struct {
	privacy.Keys

	mu            sync.Mutex
	reads, writes int
}

func (c *counting) SubjectKeys(ctx context.Context, subjects ...string) ([]privacy.Key, error) {
	c.mu.Lock()
	c.reads++
	c.mu.Unlock()
	return c.Keys.SubjectKeys(ctx, subjects...)
}

func (c *counting) CreateSubjectKey(ctx context.Context, subject string, wrapped []byte) (privacy.Key, error) {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	return c.Keys.CreateSubjectKey(ctx, subject, wrapped)
}

// bundle is a vault, the store under it and its clock.
type bundle struct {
	*privacy.Vault

	keys *counting
	now  time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	store, err := memory.Open(t.Context(), memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{keys: &counting{Keys: store}, now: time.Now()}
	b.Vault = b.another(t, privacy.Config{Master: master('a')})
	return b
}

// another is a vault of another process over the same store.
func (b *bundle) another(t *testing.T, c privacy.Config) *privacy.Vault {
	t.Helper()
	c.Now = func() time.Time { return b.now }
	v, err := privacy.New(b.keys, c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func master(fill byte) []byte { return bytes.Repeat([]byte{fill}, 32) }

func seal(t *testing.T, v *privacy.Vault, subject string) json.RawMessage {
	t.Helper()
	sealed, err := v.Seal(t.Context(), email(), subject, json.RawMessage(plain))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func expectOpen(t *testing.T, v *privacy.Vault, sealed json.RawMessage) {
	t.Helper()
	if got, err := v.Open(t.Context(), email(), sealed); err != nil || string(got) != plain {
		t.Errorf("opened as %s, %v", got, err)
	}
}

func expectError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestVault_Seal(t *testing.T) {
	t.Parallel()
	t.Run("hides the value, names the subject, and never seals alike twice", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		first, second := seal(t, b.Vault, "ann"), seal(t, b.Vault, "ann")
		if bytes.Contains(first, []byte("example")) || bytes.Equal(first, second) {
			t.Errorf("sealed as %s and %s", first, second)
		}
		if subject, ok := privacy.Sealed(first); !ok || subject != "ann" {
			t.Errorf("it is of %q, %t", subject, ok)
		}
		expectOpen(t, b.Vault, first)
	})
	t.Run("has stored the key when it returns, wrapped", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sealed := seal(t, b.Vault, "ann")
		keys, err := b.keys.SubjectKeys(t.Context(), "ann")
		if err != nil || len(keys[0].Wrapped) < 32+16 {
			t.Fatalf("stored: %v, %v", keys, err)
		}
		expectOpen(t, b.another(t, privacy.Config{Master: master('a')}), sealed)
	})
	t.Run("refuses a subject that is empty", func(t *testing.T) {
		t.Parallel()
		if _, err := setup(t).Seal(t.Context(), email(), "", json.RawMessage(plain)); err == nil {
			t.Error("it was sealed")
		}
	})
	t.Run("asks the store once for a subject, and never for what is held", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for range 100 {
			expectOpen(t, b.Vault, seal(t, b.Vault, "ann"))
		}
		if b.keys.reads != 1 || b.keys.writes != 1 {
			t.Errorf("the store was asked %d and %d times", b.keys.reads, b.keys.writes)
		}
	})
	t.Run("gives those who seal first at once the same key", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		var all sync.WaitGroup
		sealed := make([]json.RawMessage, 8)
		for i := range sealed {
			v := b.another(t, privacy.Config{Master: master('a')})
			all.Go(func() {
				sealed[i], _ = v.Seal(context.WithoutCancel(t.Context()), email(), "ann", json.RawMessage(plain))
			})
		}
		all.Wait()
		for _, s := range sealed {
			expectOpen(t, b.Vault, s)
		}
	})
}

func TestVault_Open(t *testing.T) {
	t.Parallel()
	t.Run("opens nothing at another place, of another subject, or that was changed", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sealed := seal(t, b.Vault, "ann")
		seal(t, b.Vault, "bob")
		for _, at := range []privacy.Place{{Root: "Order", Field: "email"}, {Root: "Customer", Field: "note"}} {
			_, err := b.Open(t.Context(), at, sealed)
			expectError(t, err, privacy.ErrNotSealed)
		}
		changed := bytes.Replace(sealed, []byte(`"ann"`), []byte(`"bob"`), 1)
		_, err := b.Open(t.Context(), email(), changed)
		expectError(t, err, privacy.ErrNotSealed)
		for _, value := range []string{`"text"`, `{}`, `null`, ``, `{"$sealed":"AAAA"}`, `{"$sealed":1,"of":"ann"}`, `{"$sealed":"AAAA","of":"ann"}`} {
			_, err := b.Open(t.Context(), email(), json.RawMessage(value))
			expectError(t, err, privacy.ErrNotSealed)
		}
	})
	t.Run("does not mind what a store does to JSON", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		var members map[string]string
		if err := json.Unmarshal(seal(t, b.Vault, "ann"), &members); err != nil {
			t.Fatal(err)
		}
		expectOpen(t, b.Vault, json.RawMessage(`{"of" : "ann", "$sealed" : "`+members["$sealed"]+`"}`))
	})
	t.Run("opens what a former master key has wrapped, and nothing without it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sealed := seal(t, b.Vault, "ann")
		rotated := b.another(t, privacy.Config{Master: master('b'), Previous: [][]byte{master('a')}})
		expectOpen(t, rotated, sealed)
		if _, err := b.another(t, privacy.Config{Master: master('b')}).Open(t.Context(), email(), sealed); err == nil ||
			!strings.Contains(err.Error(), "a master key that is not configured") {
			t.Errorf("without it: %v", err)
		}
	})
	t.Run("says so when the key of a subject is gone without a tombstone", func(t *testing.T) {
		t.Parallel()
		sealed := seal(t, setup(t).Vault, "ann")
		if _, err := setup(t).Open(t.Context(), email(), sealed); err == nil || errors.Is(err, privacy.ErrForgotten) {
			t.Errorf("got %v", err)
		}
	})
}

func TestVault_Forget(t *testing.T) {
	t.Parallel()
	t.Run("opens and seals nothing about the subject any more, here at once", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sealed, other := seal(t, b.Vault, "ann"), seal(t, b.Vault, "bob")
		for range 2 {
			expectError(t, b.Forget(t.Context(), "ann"), nil)
		}
		_, err := b.Open(t.Context(), email(), sealed)
		expectError(t, err, privacy.ErrForgotten)
		_, err = b.Seal(t.Context(), email(), "ann", json.RawMessage(plain))
		expectError(t, err, privacy.ErrForgotten)
		_, err = b.Open(t.Context(), email(), privacy.Nothing("ann"))
		expectError(t, err, privacy.ErrForgotten)
		expectOpen(t, b.Vault, other)
	})
	t.Run("holds in another process after the time that keys are kept", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		sealed, another := seal(t, b.Vault, "ann"), b.another(t, privacy.Config{Master: master('a')})
		expectOpen(t, another, sealed)
		expectError(t, b.Forget(t.Context(), "ann"), nil)
		b.now = b.now.Add(time.Minute)
		_, err := another.Open(t.Context(), email(), sealed)
		expectError(t, err, privacy.ErrForgotten)
	})
	t.Run("says so of one of whom nothing was sealed, and leaves no tombstone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		expectError(t, b.Forget(t.Context(), "nan"), privacy.ErrNoSubject)
		expectOpen(t, b.Vault, seal(t, b.Vault, "nan"))
		expectError(t, b.Forget(t.Context(), "nan"), nil)
		for subject, want := range map[string]bool{"nan": true, "ann": false} {
			if got, err := b.Forgotten(t.Context(), subject); got != want || err != nil {
				t.Errorf("%s is forgotten: %t, %v", subject, got, err)
			}
		}
	})
	t.Run("holds though the cache holds few", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		small := b.another(t, privacy.Config{Master: master('a'), Cached: 4})
		sealed := map[string]json.RawMessage{}
		for _, subject := range strings.Split("abcdefghijklmnop", "") {
			sealed[subject] = seal(t, small, subject)
		}
		expectError(t, small.Forget(t.Context(), "a"), nil)
		for subject, value := range sealed {
			if subject != "a" {
				expectOpen(t, small, value)
			}
		}
		_, err := small.Open(t.Context(), email(), sealed["a"])
		expectError(t, err, privacy.ErrForgotten)
	})
}

func TestVault_Load(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a, z := seal(t, b.Vault, "a"), seal(t, b.Vault, "z")
	seal(t, b.Vault, "gone")
	expectError(t, b.Forget(t.Context(), "gone"), nil)
	another := b.another(t, privacy.Config{Master: master('a')})
	b.keys.reads = 0
	for range 3 {
		expectError(t, another.Load(t.Context(), "a", "z", "a", "gone"), nil)
		expectOpen(t, another, a)
		expectOpen(t, another, z)
	}
	if b.keys.reads != 1 {
		t.Errorf("the store was asked %d times", b.keys.reads)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := privacy.New(nil, privacy.Config{Master: []byte("short"), Previous: [][]byte{nil}, Keep: -1})
	for _, want := range []string{"Master: it is 5 bytes long, not 32", "Previous[0]", "Keep"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	for text, want := range map[string]string{"***": "not base64", "c2hvcnQ=": "5 bytes long"} {
		if _, err := privacy.ParseKey(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if key, err := privacy.ParseKey("YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="); err != nil || !bytes.Equal(key, master('a')) {
		t.Errorf("got %v, %v", key, err)
	}
}
