package sqlite_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/minos-framework/minos-go/framework/sqlite"
)

func TestStore_ForgetSubject(t *testing.T) {
	t.Parallel()
	t.Run("leaves nothing of the key in the closed file", func(t *testing.T) {
		t.Parallel()
		path, key := newFile(t), []byte("the wrapped key of ann, whom we shall forget")
		for _, forget := range []bool{false, true} {
			s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
			if err != nil {
				t.Fatal(err)
			}
			if _, err = s.CreateSubjectKey(t.Context(), "ann", key); err == nil && forget {
				err = s.ForgetSubject(t.Context(), "ann")
			}
			if err := errors.Join(err, s.Close()); err != nil {
				t.Fatal(err)
			}
			var data []byte
			for _, name := range []string{path, path + "-wal"} {
				part, err := os.ReadFile(name)
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
				data = append(data, part...)
			}
			if there := bytes.Contains(data, key[8:24]); there == forget {
				t.Errorf("forgotten: %t, there: %t", forget, there)
			}
		}
	})
}
