package saga_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/broker"
	"github.com/minos-framework/minos-go/framework/saga"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	if got, err := saga.Decode[trip](saga.Response{Content: json.RawMessage(`{"flight":"IB 3456"}`)}); err != nil ||
		got.Flight != "IB 3456" {
		t.Errorf("decoded %+v, %v", got, err)
	}
	for content, want := range map[string]string{
		"":       "decode reply as saga_test.trip: it has no content",
		`"text"`: "decode reply as saga_test.trip: json: cannot unmarshal string",
		`{`:      "decode reply as saga_test.trip: unexpected end",
	} {
		_, err := saga.Decode[trip](saga.Response{Content: json.RawMessage(content)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", content, err, want)
		}
	}
}

func TestResponse_Err(t *testing.T) {
	t.Parallel()
	cases := []struct {
		status  int
		content string
		want    string // empty says that there is no error
	}{
		{200, "", ""},
		{204, "", ""},
		{299, `"fine"`, ""},
		{400, `{"title":"Bad Request","detail":"the date is over"}`, "Book replied 400: the date is over"},
		{400, `{"title":"Bad Request"}`, "Book replied 400: Bad Request"},
		{404, `"no such hotel"`, "Book replied 404: no such hotel"},
		{404, `{"other":1}`, "Book replied 404: Not Found"},
		{503, "", "Book replied 503: Service Unavailable"},
		{799, "[]", "Book replied 799: no reason given"},
		{0, "", "Book replied 0: no reason given"},
		{302, "", "Book replied 302: Found"},
	}
	for _, c := range cases {
		err := saga.Response{Topic: "Book", Status: c.status, Content: json.RawMessage(c.content)}.Err()
		if c.want == "" {
			if err != nil {
				t.Errorf("status %d: error %v", c.status, err)
			}
			continue
		}
		refused, ok := errors.AsType[*broker.ReplyError](err)
		if !ok || refused.StatusCode() != c.status || err.Error() != c.want {
			t.Errorf("status %d: error %v, want %q", c.status, err, c.want)
		}
	}
}

func TestFailedError_StatusCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status, want int
		compensated  bool
	}{
		{400, 400, true},
		{409, 409, true},
		{499, 499, true},
		{200, 500, true},
		{500, 500, true},
		{503, 500, true},
		{504, 504, true},
		{600, 500, true},
		{0, 500, true},
		{409, 500, false},
		{504, 504, false}, // nobody answered, and what that left is for an operator
	} {
		err := &saga.FailedError{Cause: &saga.StepError{Status: c.status}, Compensated: c.compensated}
		if got := err.StatusCode(); got != c.want {
			t.Errorf("cause %d, compensated %t: status %d, want %d", c.status, c.compensated, got, c.want)
		}
	}
}
