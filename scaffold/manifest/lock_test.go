package manifest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/scaffold/manifest"
)

func TestAcquire(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := manifest.Acquire(dir, "minos set broker kafka")
	if err != nil {
		t.Fatal(err)
	}
	_, err = manifest.Acquire(dir, "minos set database sqlite")
	locked, ok := errors.AsType[*manifest.LockedError](err)
	if !ok || !strings.Contains(locked.Holder, "set broker kafka") {
		t.Errorf("got %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := manifest.Acquire(dir, "minos new microservice a")
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Release(); err != nil {
		t.Fatal(err)
	}
}
