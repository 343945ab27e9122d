package compose_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/compose"
)

// write writes files, given as name and content, into a new directory.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"compose.yaml": `
name: shop
x-ours: {anything: goes}
services:
  foo:
    build: {context: ./foo, dockerfile: Other, target: run, args: {GO: "1.26"}}
    command: [serve, --all]
    entrypoint: /foo
    environment: [A=1, "PASSWORD=${PASSWORD:?is not in .env}"]
    env_file: [more.env]
    ports: ["127.0.0.1:4545:8080", "9000:9000/udp"]
    volumes: ["data:/data:ro", "./conf:/conf", {type: tmpfs, target: /t, tmpfs: {size: 1m}}]
    networks: [side, default]
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, "true"], interval: 5s, timeout: 1s, retries: 3, start_period: 2s}
    restart: on-failure:3
    user: "65532"
    working_dir: /w
    hostname: h
    read_only: true
    tmpfs: [/tmp]
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    security_opt: ["no-new-privileges:true"]
    init: true
    labels: {run.minos.database: foo_db}
    mem_limit: 64m
    cpus: 0.1
    pids_limit: 50
    stop_grace_period: 1m30s
    stop_signal: SIGINT
  db: {image: "postgres:17"}
networks: {side: {driver: bridge, internal: true}}
volumes: {data: {}}
`,
		"compose.override.yaml": "services:\n  foo:\n    ports: [\"0.0.0.0:80:80\"]\n    environment: {A: \"2\"}\n",
		".env":                  "PASSWORD=secret\n",
		"more.env":              "B=3\n",
		"foo/Other":             "ARG GO\nFROM golang:${GO} AS build\nFROM debian:12-slim AS run\n",
	})
	project, err := compose.Load(t.Context(), compose.Source{Dir: dir, Name: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	foo, ok := project.Service("foo")
	if !ok || foo.Build == nil || foo.Build.Hash == "" {
		t.Fatalf("foo is %+v", foo)
	}
	wantBuild := &deploy.Build{
		Context: filepath.Join(dir, "foo"), Dockerfile: "Other", Target: "run", Args: map[string]string{"GO": "1.26"},
		Hash: foo.Build.Hash, Bases: []string{"debian:12-slim", "golang:1.26"},
	}
	if !reflect.DeepEqual(foo.Build, wantBuild) {
		t.Errorf("build is\n%+v\nwant\n%+v", foo.Build, wantBuild)
	}
	yes := true
	want := deploy.Service{
		Name: "foo", Image: "shop-foo", Build: foo.Build, Command: []string{"serve", "--all"}, Entrypoint: []string{"/foo"},
		Environment: map[string]string{"A": "2", "B": "3", "PASSWORD": "secret"},
		Ports: []deploy.Port{
			{HostIP: "127.0.0.1", HostPort: 4545, Target: 8080, Protocol: "tcp"},
			{HostIP: "127.0.0.1", HostPort: 9000, Target: 9000, Protocol: "udp"},
			{HostIP: "0.0.0.0", HostPort: 80, Target: 80, Protocol: "tcp"},
		},
		Mounts: []deploy.Mount{
			{Type: deploy.MountVolume, Source: "shop_data", Target: "/data", ReadOnly: true},
			{Type: deploy.MountBind, Source: filepath.Join(dir, "conf"), Target: "/conf"},
			{Type: deploy.MountTmpfs, Target: "/t", Size: 1 << 20},
		},
		Networks:  []string{"shop_default", "shop_side"},
		DependsOn: []deploy.Dependency{{Service: "db", Condition: deploy.Healthy}},
		Healthcheck: &deploy.Healthcheck{
			Test: []string{"CMD", "true"}, Interval: 5 * time.Second, Timeout: time.Second,
			StartPeriod: 2 * time.Second, Retries: 3,
		},
		Restart: "on-failure:3", User: "65532", WorkingDir: "/w", Hostname: "h", ReadOnly: true, Tmpfs: []string{"/tmp"},
		CapDrop: []string{"ALL"}, CapAdd: []string{"NET_BIND_SERVICE"}, SecurityOpt: []string{"no-new-privileges:true"},
		Init: &yes, Labels: map[string]string{"run.minos.database": "foo_db"}, MemLimit: 64 << 20, CPUs: 0.1, PidsLimit: 50,
		StopGracePeriod: 90 * time.Second, StopSignal: "SIGINT",
	}
	if !reflect.DeepEqual(foo, want) {
		t.Errorf("foo is\n%+v\nwant\n%+v", foo, want)
	}
	wantNetworks := []deploy.Network{
		{Key: "default", Name: "shop_default"}, {Key: "side", Name: "shop_side", Driver: "bridge", Internal: true},
	}
	if !slices.Equal(project.Networks, wantNetworks) || len(project.Volumes) != 1 || len(project.Files) != 2 {
		t.Errorf("networks %v, volumes %v, files %v", project.Networks, project.Volumes, project.Files)
	}
}

// TestLoad_errors has one case for each way in which the user's files are wrong.
// Each error begins with what has to be opened.
func TestLoad_errors(t *testing.T) {
	t.Parallel()
	const base = "services:\n  foo:\n    image: x\n"
	for name, c := range map[string]struct {
		compose, override string
		want              []string
	}{
		"no compose.yaml": {"", "", []string{"compose.yaml"}},
		"malformed YAML":  {base, "services:\n  foo:\n\timage: y\n", []string{"compose.override.yaml", "line 3"}},
		"an unknown key": {
			base, "services:\n  foo:\n    imgae: y\n",
			[]string{"compose.override.yaml:3: services.foo.imgae: unknown key"},
		},
		"an unknown key at the top": {base, "servces: {}\n", []string{"compose.override.yaml:1: servces: unknown key"}},
		"an unknown key below build": {
			base, "services:\n  foo:\n    build:\n      contxt: .\n",
			[]string{"compose.override.yaml:4: services.foo.build.contxt: unknown key"},
		},
		"a key that is not carried out": {
			base, "services:\n  foo:\n    privileged: true\n",
			[]string{"compose.override.yaml:3: services.foo.privileged: minos does not carry this key out"},
		},
		"a key of a list's item": {
			base, "services:\n  foo:\n    ports:\n      - {target: 80, app_protocol: http}\n",
			[]string{"compose.override.yaml:4: services.foo.ports.app_protocol: minos does not carry this key out"},
		},
		"a key behind an anchor": {
			"x-all: &all\n  secrets: [a]\nservices:\n  foo:\n    <<: *all\n    image: x\n", "",
			[]string{"compose.yaml:2: services.foo.secrets: minos does not carry this key out"},
		},
		"two at once": {
			base, "services:\n  foo: {deploy: {}, tty: true}\n",
			[]string{"services.foo.deploy", "services.foo.tty"},
		},
		"an aliased network": {
			base, "services:\n  foo:\n    networks:\n      default: {aliases: [x]}\n",
			[]string{"compose.override.yaml:4: services.foo.networks.default.aliases"},
		},
		"include": {
			base, "include: [x]\n",
			[]string{"compose.override.yaml:1: include: minos does not carry this key out"},
		},
		"a list as file": {base, "- a\n", []string{"compose.override.yaml:1"}},
		"a wrong type": {
			base, "services:\n  foo:\n    cpus: many\n",
			[]string{"compose.override.yaml:3", "services.foo.cpus"},
		},
		"an unset variable": {
			"services:\n  foo:\n    image: x:${NOT_SET}\n", "", []string{"compose.yaml:3", "NOT_SET", "no value"},
		},
		"a required variable": {
			"services:\n  foo:\n    image: x:${NOT_SET:?is not in .env}\n", "",
			[]string{"compose.yaml:3", "NOT_SET", "is not in .env"},
		},
		"a range of ports": {
			"services:\n  foo:\n    image: x\n    ports:\n      - {target: 80, published: 80-90}\n", "",
			[]string{"compose.yaml:4", "80-90", "ranges"},
		},
		"a build without its Dockerfile": {
			"services:\n  foo:\n    build: .\n", "", []string{"compose.yaml:3", "Dockerfile"},
		},
		"a database name that is no SQL name": {
			"services:\n  foo:\n    image: x\n    labels:\n      run.minos.database: Foo-1\n", "",
			[]string{"compose.yaml:4", `"Foo-1"`, "database name"},
		},
		"a database without a server": {
			"services:\n  foo:\n    image: x\n    depends_on: []\n    labels: {run.minos.database: foo}\n", "",
			[]string{"compose.yaml:4", "PostgreSQL"},
		},
		"an unknown protocol": {
			"services:\n  foo:\n    image: x\n    labels: {run.minos.protocol: gopher}\n", "",
			[]string{"compose.yaml:4", "run.minos.protocol"},
		},
		"a protocol without a port": {
			"services:\n  foo:\n    image: x\n    labels: {run.minos.protocol: http}\n", "",
			[]string{"compose.yaml:2", "needs a published port"},
		},
		"a port that is not fixed": {
			"services:\n  foo:\n    image: x\n    labels: {run.minos.port: free}\n", "",
			[]string{"compose.yaml:4", "run.minos.port"},
		},
		"a dependency that is not there": {
			"services:\n  foo:\n    image: x\n    depends_on: [nobody]\n", "", []string{"compose.yaml:2", "nobody"},
		},
		"a named pipe": {
			"services:\n  foo:\n    image: x\n    volumes: [{type: npipe, source: a, target: b}]\n", "",
			[]string{"compose.yaml:4", "npipe"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{}
			if c.compose != "" {
				files["compose.yaml"] = c.compose
			}
			if c.override != "" {
				files["compose.override.yaml"] = c.override
			}
			_, err := compose.Load(t.Context(), compose.Source{Dir: write(t, files), Name: "shop"})
			if err == nil {
				t.Fatal("it loads")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q; want %q in it", err, want)
				}
			}
		})
	}
}

func TestLoad_environmentWinsOverDotEnv(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"compose.yaml": "services:\n  foo:\n    image: x:${TAG}\n", ".env": "TAG=1\n",
	})
	project, err := compose.Load(t.Context(), compose.Source{Dir: dir, Name: "shop", Env: []string{"TAG=2"}})
	if err != nil {
		t.Fatal(err)
	}
	if foo, _ := project.Service("foo"); foo.Image != "x:2" {
		t.Errorf("the image is %s; want x:2", foo.Image)
	}
}
