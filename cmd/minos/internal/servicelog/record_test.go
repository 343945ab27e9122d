package servicelog_test

import (
	"testing"

	"github.com/minos-framework/minos-go/cmd/minos/internal/servicelog"
)

func TestParse(t *testing.T) {
	t.Parallel()
	t.Run("reads what slog writes", func(t *testing.T) {
		t.Parallel()
		r, ok := servicelog.Parse(`{"time":"2026-11-21T08:31:53.123456789Z","level":"WARN","msg":"a foo was created",` +
			`"service":"foo","topic":"FooCreated","n":7,"cause":"two words","empty":"","deep":{"a": [1]}}`)
		if !ok || r.Level != "WARN" || r.Clock() != "08:31:53.123" || r.Attribute("topic") != "FooCreated" ||
			r.Attribute("n") != "7" || r.Attribute("nothing") != "" {
			t.Errorf("%+v", r)
		}
		const want = `a foo was created topic=FooCreated n=7 cause="two words" empty="" deep={"a": [1]}`
		if got := r.Text("service"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
	t.Run("refuses what is no record", func(t *testing.T) {
		t.Parallel()
		for _, line := range []string{
			"", "panic: no", "{", `{"level":"INFO"}`, `{"msg":"cut`, `["msg"]`, `{"msg":`, `{"msg":"x"`,
			`{"msg":"x"} and more`, "7",
		} {
			if r, ok := servicelog.Parse(line); ok {
				t.Errorf("%q is %+v", line, r)
			}
		}
	})
}

func TestRecord_Clock(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"": "", "noon": "", "2026-11-21T08:31:53Z": "08:31:53Z", "T1": ""} {
		if got := (servicelog.Record{Time: given}).Clock(); got != want {
			t.Errorf("%q is %q, want %q", given, got, want)
		}
	}
}
