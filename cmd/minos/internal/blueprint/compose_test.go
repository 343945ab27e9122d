package blueprint_test

import (
	"encoding/base64"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/minos-framework/minos-go/scaffold/manifest"
)

// compose loads the project's compose.yaml as Docker Compose would.
func compose(t *testing.T, b *bundle) *types.Project {
	t.Helper()
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  b.dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(b.dir, "compose.yaml")}},
		Environment: types.Mapping{"POSTGRES_PASSWORD": "secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestBlueprint_compose(t *testing.T) {
	t.Parallel()
	t.Run("lacks what is embedded", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		if got := compose(t, b); got.Name != "shop" || len(got.Services) != 0 {
			t.Errorf("got %+v", got)
		}
		b.add(t, "foo", 0)
		got := compose(t, b)
		if !slices.Equal(got.ServiceNames(), []string{"foo"}) || len(got.Services["foo"].DependsOn) != 0 {
			t.Errorf("got %+v", got.Services)
		}
	})
	t.Run("has broker, database and services", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.add(t, "order-line", 8001)
		b.set(t, manifest.Kafka, manifest.Postgres)
		project := compose(t, b)
		names := project.ServiceNames()
		slices.Sort(names)
		if !slices.Equal(names, []string{"kafka", "order-line", "postgres"}) {
			t.Fatalf("got %v", names)
		}
		kafka := project.Services["kafka"]
		if id, err := base64.RawURLEncoding.DecodeString(*kafka.Environment["CLUSTER_ID"]); err != nil || len(id) != 16 {
			t.Errorf("cluster id %v: %v", id, err)
		}
		if kafka.Image != "apache/kafka:4.1.0" || len(kafka.Ports) != 0 || len(kafka.Volumes) != 1 {
			t.Errorf("kafka is %+v", kafka)
		}
		line := project.Services["order-line"]
		for key, want := range map[string]string{
			"MINOS_INTERFACES_BROKER_COMMON_HOST":  "kafka",
			"MINOS_INTERFACES_BROKER_COMMON_PORT":  "9092",
			"MINOS_INTERFACES_HTTP_CONNECTOR_PORT": "8080",
			"MINOS_DATABASES_DEFAULT_CLIENT":       "postgres",
			"MINOS_DATABASES_DEFAULT_DATABASE":     "order_line_db",
			"MINOS_DATABASES_DEFAULT_PASSWORD":     "secret",
		} {
			if got := line.Environment[key]; got == nil || *got != want {
				t.Errorf("%s is not %s", key, want)
			}
		}
		if port := line.Ports[0]; port.HostIP != "127.0.0.1" || port.Published != "8001" || port.Target != 8080 {
			t.Errorf("port is %+v", port)
		}
		if !line.ReadOnly || len(line.CapDrop) != 1 || len(line.SecurityOpt) != 1 || len(line.Tmpfs) != 1 {
			t.Errorf("service is %+v", line)
		}
		if grace := line.StopGracePeriod; grace == nil || time.Duration(*grace) != 30*time.Second {
			t.Errorf("has %v to stop", grace)
		}
		if got := project.Services["postgres"].SecurityOpt; !slices.Equal(got, []string{"no-new-privileges:true"}) {
			t.Errorf("postgres has %v", got)
		}
		if len(line.DependsOn) != 2 {
			t.Errorf("starts after %v", line.DependsOn)
		}
		if line.Labels["run.minos.database"] != "order_line_db" || line.Labels["run.minos.port"] != "fixed" {
			t.Errorf("labels are %v", line.Labels)
		}
	})
	t.Run("asks for the password", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.set(t, manifest.Kafka, manifest.Postgres)
		if text := read(t, b.dir, "compose.yaml"); !strings.Contains(text, "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?") {
			t.Errorf("got %s", text)
		}
		env := read(t, b.dir, ".env")
		_, password, _ := strings.Cut(strings.TrimSpace(env), "POSTGRES_PASSWORD=")
		for _, file := range []string{"compose.yaml", "minos.yaml"} {
			if len(password) < 20 || strings.Contains(read(t, b.dir, file), password) {
				t.Errorf("the password is short, or in %s", file)
			}
		}
	})
}
