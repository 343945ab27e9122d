package docker_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/docker"
)

func TestCreateOptions(t *testing.T) {
	t.Parallel()
	port := deploy.Port{HostIP: "127.0.0.1", HostPort: 4545, Target: 8080, Protocol: "tcp"}
	s := deploy.Service{
		Name: "foo", Image: "shop-foo", Environment: map[string]string{"B": "2", "A": "1"}, Ports: []deploy.Port{port},
		Restart: "on-failure:3", Tmpfs: []string{"/tmp:size=4m", "/run"}, Networks: []string{"shop_a", "shop_b"},
		Mounts: []deploy.Mount{
			{Type: deploy.MountVolume, Source: "shop_data", Target: "/data", ReadOnly: true},
			{Type: deploy.MountTmpfs, Target: "/t", Size: 5},
		},
		DependsOn: []deploy.Dependency{{Service: "postgres", Condition: deploy.Healthy}},
		CPUs:      0.1, StopGracePeriod: time.Millisecond, Healthcheck: &deploy.Healthcheck{Test: []string{"NONE"}},
	}
	p := &deploy.Project{Name: "shop", Dir: "/shop", Files: []string{"/shop/a", "/shop/b"}, Services: []deploy.Service{s}}
	options, err := docker.CreateOptions(p, s, []deploy.Published{{Wanted: port, Chosen: 4550}})
	if err != nil {
		t.Fatal(err)
	}
	config, host := options.Config, options.HostConfig
	if options.Name != "shop-foo-1" || !slices.Equal(config.Env, []string{"A=1", "B=2"}) || *config.StopTimeout != 1 {
		t.Errorf("the container is %s: %+v", options.Name, config)
	}
	binding := network.PortBinding{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: "4550"}
	if got := host.PortBindings[network.MustParsePort("8080/tcp")]; !slices.Equal(got, []network.PortBinding{binding}) {
		t.Errorf("ports are %v", host.PortBindings)
	}
	if want := (container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 3}); host.RestartPolicy != want {
		t.Errorf("restart is %v", host.RestartPolicy)
	}
	if host.Tmpfs["/tmp"] != "size=4m" || host.Tmpfs["/run"] != "" || len(host.Tmpfs) != 2 || host.NanoCPUs != 1e8 {
		t.Errorf("tmpfs are %v, cpus %d", host.Tmpfs, host.NanoCPUs)
	}
	if host.Mounts[0].Type != mount.TypeVolume || !host.Mounts[0].ReadOnly ||
		host.Mounts[1].TmpfsOptions.SizeBytes != 5 {
		t.Errorf("mounts are %+v", host.Mounts)
	}
	// An engine of API 1.41 takes one network.
	endpoints := options.NetworkingConfig.EndpointsConfig
	if len(endpoints) != 1 || !slices.Equal(endpoints["shop_a"].Aliases, []string{"foo"}) ||
		host.NetworkMode != "shop_a" {
		t.Errorf("networks are %v", endpoints)
	}
	for name, want := range map[string]string{
		"com.docker.compose.project.config_files": "/shop/a,/shop/b",
		"com.docker.compose.depends_on":           "postgres:service_healthy:false",
		"com.docker.compose.config-hash":          s.ConfigHash(),
	} {
		if config.Labels[name] != want {
			t.Errorf("label %s is %q; want %q", name, config.Labels[name], want)
		}
	}
}

func TestCreateOptions_errors(t *testing.T) {
	t.Parallel()
	for _, port := range []deploy.Port{
		{HostIP: "nowhere", Target: 80, Protocol: "tcp"}, {HostIP: "127.0.0.1", Target: 80000, Protocol: "tcp"},
	} {
		published := []deploy.Published{{Wanted: port}}
		_, err := docker.CreateOptions(&deploy.Project{}, deploy.Service{Name: "foo"}, published)
		if err == nil || !strings.Contains(err.Error(), "publish a port of foo") {
			t.Errorf("the error of %v is %v", port, err)
		}
	}
}

func TestDatabaseSQL(t *testing.T) {
	t.Parallel()
	server := deploy.Service{Environment: map[string]string{"POSTGRES_USER": "minos"}}
	service := func(database, user, password string) deploy.Service {
		return deploy.Service{
			Labels: map[string]string{deploy.LabelDatabase: database},
			Environment: map[string]string{
				"MINOS_DATABASES_DEFAULT_USER": user, "MINOS_DATABASES_DEFAULT_PASSWORD": password,
			},
		}
	}
	t.Run("creates no role for the server's own user", func(t *testing.T) {
		t.Parallel()
		sql, err := docker.DatabaseSQL(server, service("foo_db", "minos", "x"))
		if err != nil || strings.Contains(sql, "role") || !strings.Contains(sql, "'foo_db', E'minos'") {
			t.Errorf("the statements are %s, %v", sql, err)
		}
	})
	t.Run("quotes a password", func(t *testing.T) {
		t.Parallel()
		sql, err := docker.DatabaseSQL(server, service("foo_db", "foo", `a'b\c`))
		if err != nil || !strings.Contains(sql, `E'a''b\\c'`) {
			t.Errorf("the statements are %s, %v", sql, err)
		}
	})
	t.Run("refuses what is no name", func(t *testing.T) {
		t.Parallel()
		for _, s := range []deploy.Service{service("foo'; drop", "", ""), service("foo", "a\nb", ""), service("", "", "")} {
			if sql, err := docker.DatabaseSQL(server, s); err == nil {
				t.Errorf("%v gives %s", s, sql)
			}
		}
	})
}

func TestAddressOf(t *testing.T) {
	t.Parallel()
	bound := func(ip string) network.PortMap {
		return network.PortMap{network.MustParsePort("80/tcp"): {{HostIP: netip.MustParseAddr(ip), HostPort: "4545"}}}
	}
	inside := map[string]*network.EndpointSettings{"n": {IPAddress: netip.MustParseAddr("172.18.0.2")}}
	for name, c := range map[string]struct {
		settings  *container.NetworkSettings
		address   string
		published bool
	}{
		"published on loopback": {
			&container.NetworkSettings{Ports: bound("127.0.0.1"), Networks: inside}, "127.0.0.1:4545", true,
		},
		"published on every address": {&container.NetworkSettings{Ports: bound("0.0.0.0")}, "127.0.0.1:4545", true},
		"not published":              {&container.NetworkSettings{Networks: inside}, "172.18.0.2:80", false},
		"not connected yet":          {&container.NetworkSettings{}, "", false},
		"not there yet":              {nil, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, published := docker.AddressOf(container.InspectResponse{NetworkSettings: c.settings}, 80)
			if address != c.address || published != c.published {
				t.Errorf("it is reached at %s, %v; want %s, %v", address, published, c.address, c.published)
			}
		})
	}
}
