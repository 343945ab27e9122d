package postgres_test

import (
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/postgres"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		config postgres.Config
		want   []string
	}{
		"names every field that is wrong": {
			postgres.Config{Port: 70000, MaxConns: -1}, []string{"User", "Database", "Port: 70000", "MaxConns"},
		},
		"refuses an URL beside fields": {
			postgres.Config{URL: "postgres://localhost/x", Host: "other"}, []string{"URL: it excludes Host"},
		},
		"refuses an URL that is none": {
			postgres.Config{URL: "http://localhost:x"}, []string{"configure postgres"},
		},
		"tells that nobody answers": {
			postgres.Config{Host: "127.0.0.1", Port: 1, User: "it's", Password: `\'`, Database: "a b"},
			[]string{"127.0.0.1", "it's", "a b"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			_, err := postgres.Open(t.Context(), c.config)
			if err == nil {
				t.Fatal("the store was opened")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to contain %q", err, want)
				}
			}
			if strings.Contains(err.Error(), `\'`) {
				t.Errorf("%q tells the password", err)
			}
		})
	}
}
