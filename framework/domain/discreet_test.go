package domain_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// dossier is sensitive but for its number.
type dossier struct {
	Number int            `json:"number"`
	Born   time.Time      `json:"born" sensitive:"true"`
	Card   int            `json:"card" sensitive:"true"`
	Loose  map[string]any `json:"loose" sensitive:"true"`
	Key    uuid.UUID      `json:"key" sensitive:"true"`
	Lines  []int          `json:"lines" sensitive:"true"`
}

func TestShape_sensitive(t *testing.T) {
	t.Parallel()
	shape := shapeOf[dossier](t)
	for field, value := range map[string]string{
		"born": `"secret 1956"`, "card": `"secret"`, "loose": `"secret"`, "key": `"secret"`, "lines": `[1,"secret"]`,
	} {
		t.Run("errors quote nothing of "+field, func(t *testing.T) {
			t.Parallel()
			object := json.RawMessage(`{"` + field + `":` + value + `}`)
			for way, err := range map[string]error{
				"merged": shape.Merge(&dossier{}, object), "stored": shape.Decode(object, &dossier{}), "bound": shape.Bind(&dossier{}, object),
			} {
				if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), field) {
					t.Errorf("%s: got %v", way, err)
				}
			}
		})
	}
	t.Run("errors quote what is beside them", func(t *testing.T) {
		t.Parallel()
		err := shape.Merge(&dossier{}, json.RawMessage(`{"card":"secret","number":"seven"}`))
		if got := strings.Join(faults(t, err), ", "); got != "card mistyped, number mistyped" {
			t.Errorf("got %s", got)
		}
		if !strings.Contains(err.Error(), `"seven" does not fit int`) || !strings.Contains(err.Error(), "it does not fit int") {
			t.Errorf("got %v", err)
		}
	})
}
