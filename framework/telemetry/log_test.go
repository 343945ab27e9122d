package telemetry_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/framework/telemetry"
)

func TestNewLogger(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		environ []string
		want    string
	}{
		"text by default, from info on": {nil, `level=INFO msg=hello service=foo`},
		"JSON when asked for":           {[]string{"MINOS_LOG_FORMAT=json"}, `"msg":"hello","service":"foo"}`},
		"from debug on when asked for":  {[]string{"MINOS_LOG_LEVEL=debug"}, `level=DEBUG msg=detail service=foo`},
		"an unknown level means info":   {[]string{"MINOS_LOG_LEVEL=loud"}, `level=INFO msg=hello`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			config := telemetry.LogConfigOf(c.environ)
			config.Service = "foo"
			logger := telemetry.NewLogger(&out, config)
			logger.Debug("detail")
			logger.Info("hello")
			if !strings.Contains(out.String(), c.want) {
				t.Errorf("logged %s", out.String())
			}
			if config.Level != "debug" && strings.Contains(out.String(), "detail") {
				t.Errorf("details were logged: %s", out.String())
			}
		})
	}
}
