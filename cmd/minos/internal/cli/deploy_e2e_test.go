//go:build e2e

package cli_test

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts_engine runs testdata/engine on the real engine. Each script has a
// project name of its own, $PROJECT; what is left of it is removed.
func TestScripts_engine(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "engine"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			name := "minos-" + strings.ToLower(rand.Text()[:10])
			env.Setenv("PROJECT", name)
			env.Defer(func() {
				if err := removeAll(context.WithoutCancel(t.Context()), name); err != nil {
					t.Errorf("clean up %s: %v", name, err)
				}
			})
			return nil
		},
	})
}

// removeAll removes all that is labeled as a project's.
func removeAll(ctx context.Context, project string) error {
	api, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer api.Close()
	ours := make(client.Filters).Add("label", "com.docker.compose.project="+project)
	containers, err := api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		return err
	}
	for _, c := range containers.Items {
		if _, err := api.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			return err
		}
	}
	networks, err := api.NetworkList(ctx, client.NetworkListOptions{Filters: ours})
	if err != nil {
		return err
	}
	for _, n := range networks.Items {
		if _, err := api.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err != nil {
			return err
		}
	}
	volumes, err := api.VolumeList(ctx, client.VolumeListOptions{Filters: ours})
	if err != nil {
		return err
	}
	for _, v := range volumes.Items {
		if _, err := api.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{}); err != nil {
			return err
		}
	}
	images, err := api.ImageList(ctx, client.ImageListOptions{Filters: ours})
	if err != nil {
		return err
	}
	for _, image := range images.Items {
		if _, err := api.ImageRemove(ctx, image.ID, client.ImageRemoveOptions{Force: true}); err != nil {
			return err
		}
	}
	return nil
}
