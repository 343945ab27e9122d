package deploy_test

import (
	"strings"
	"testing"

	"github.com/minos-framework/minos-go/deploy"
)

func TestService_Protocol(t *testing.T) {
	t.Parallel()
	project := load(t, write(t, map[string]string{"compose.yaml": `
services:
  pg: {image: "registry.example/library/postgres:17-alpine"}
  broker: {image: "apache/kafka:4.1.0", ports: ["29092:29092"]}
  web: {build: ./web, ports: ["1:80"]}
  redis: {image: redis, ports: ["2:6379"]}
  quiet: {image: redis}
  named: {image: redis, ports: ["3:3"], labels: {run.minos.protocol: none}}
  awaited: {image: redis}
  waiter: {image: redis, depends_on: {awaited: {condition: service_completed_successfully}}}
`, "web/Dockerfile": "FROM scratch\n"}))
	type answer struct {
		protocol deploy.Protocol
		port     int
	}
	for name, want := range map[string]answer{
		"pg": {deploy.Postgres, 5432}, "broker": {deploy.Kafka, 29092}, "web": {deploy.HTTP, 80},
		"redis": {deploy.TCP, 6379},
		"quiet": {deploy.None, 0}, "named": {deploy.None, 3}, "awaited": {deploy.Job, 0},
	} {
		s, _ := project.Service(name)
		if got := (answer{project.ReadyWhen(s), s.ProtocolPort()}); got != want {
			t.Errorf("%s is asked in %v; want %v", name, got, want)
		}
	}
}

func TestNotReadyError(t *testing.T) {
	t.Parallel()
	failure := &deploy.NotReadyError{Service: "foo", Container: "shop-foo-1", Reason: "its process exited with code 3"}
	if want := "service foo is not ready: its process exited with code 3; it logged nothing"; failure.Error() != want {
		t.Errorf("the error is %q; want %q", failure, want)
	}
	failure.Logs = []string{"one", "two"}
	if !strings.HasSuffix(failure.Error(), "; the last lines of shop-foo-1:\n  | one\n  | two") {
		t.Errorf("the error is %q", failure)
	}
}

func TestReference(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]string{
		"postgres": "postgres:latest", "postgres:17": "postgres:17", "library/postgres:17": "postgres:17",
		"apache/kafka": "apache/kafka:latest", "host:5000/x": "host:5000/x:latest", "Not An Image": "Not An Image",
	} {
		if got := deploy.Reference(image); got != want {
			t.Errorf("the reference of %s is %s; want %s", image, got, want)
		}
	}
}

func TestService_Fields(t *testing.T) {
	t.Parallel()
	s := deploy.Service{Image: "x", Environment: map[string]string{"PASSWORD": "hunter2"}}
	for name, hash := range s.Fields() {
		if strings.Contains(hash, "hunter2") {
			t.Errorf("field %s holds the value", name)
		}
	}
	other := s
	other.Environment = map[string]string{"PASSWORD": "hunter3"}
	if s.ConfigHash() == other.ConfigHash() {
		t.Error("a changed password has the same hash")
	}
	other = s
	other.DependsOn, other.Build = []deploy.Dependency{{Service: "x"}}, &deploy.Build{Hash: "y"}
	if s.ConfigHash() != other.ConfigHash() {
		t.Error("what does not reach the container changes the hash")
	}
}
