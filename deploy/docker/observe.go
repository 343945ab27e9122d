package docker

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/minos-framework/minos-go/deploy"
)

// Observe returns what there is of project. What it sees is of this moment: who
// plans with it does so at once.
func (e *Engine) Observe(ctx context.Context, project *deploy.Project) (*deploy.Observed, error) {
	observed, err := e.observe(ctx, project.Name, func(ctx context.Context, o *deploy.Observed) error {
		return e.observeImages(ctx, project, o)
	})
	if err != nil {
		return nil, err
	}
	for _, n := range project.Networks {
		if n.External {
			_, err := e.api.NetworkInspect(ctx, n.Name, client.NetworkInspectOptions{})
			observed.Networks[n.Name] = err == nil
		}
	}
	for _, v := range project.Volumes {
		if v.External {
			_, err := e.api.VolumeInspect(ctx, v.Name, client.VolumeInspectOptions{})
			observed.Volumes[v.Name] = err == nil
		}
	}
	return observed, e.observeDatabases(ctx, project, observed)
}

// ObserveName returns what there is of the project called name: its containers,
// networks and volumes. It needs no compose.yaml.
func (e *Engine) ObserveName(ctx context.Context, name string) (*deploy.Observed, error) {
	return e.observe(ctx, name, func(context.Context, *deploy.Observed) error { return nil })
}

// observe asks all at once: an observation is most of what a deployment that
// changes nothing takes.
func (e *Engine) observe(
	ctx context.Context, name string, images func(context.Context, *deploy.Observed) error,
) (*deploy.Observed, error) {
	o := &deploy.Observed{Networks: map[string]bool{}, Volumes: map[string]bool{}}
	ours := make(client.Filters).Add("label", labelProject+"="+name)
	group, calls := errgroup.WithContext(ctx)
	group.Go(func() error { return images(calls, o) })
	group.Go(func() error { return e.observeContainers(calls, ours, o) })
	group.Go(func() (err error) {
		o.PortHolder, err = e.portHolder(calls, name)
		return err
	})
	group.Go(func() error {
		networks, err := e.api.NetworkList(calls, client.NetworkListOptions{Filters: ours})
		for _, n := range networks.Items {
			o.Networks[n.Name] = true
		}
		return err
	})
	group.Go(func() error {
		volumes, err := e.api.VolumeList(calls, client.VolumeListOptions{Filters: ours})
		for _, v := range volumes.Items {
			o.Volumes[v.Name] = true
		}
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("observe project %s: %w", name, e.explain(ctx, err))
	}
	return o, nil
}

// observeContainers finds a project's containers by label, those that another
// tool made too.
func (e *Engine) observeContainers(ctx context.Context, ours client.Filters, o *deploy.Observed) error {
	list, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		return err
	}
	for _, summary := range list.Items {
		if strings.EqualFold(summary.Labels[labelOneoff], "true") {
			continue // `docker compose run`: the user's own
		}
		c := containerOf(summary)
		if c.State == deploy.Exited {
			if c.ExitCode, err = e.exitCode(ctx, c.ID); err != nil {
				return err
			}
		}
		o.Containers = append(o.Containers, c)
	}
	slices.SortFunc(o.Containers, func(a, b deploy.Container) int {
		return cmp.Or(strings.Compare(a.Service, b.Service), a.Number-b.Number, strings.Compare(a.ID, b.ID))
	})
	return nil
}

// exitCode returns how a container's process ended. A list does not say it.
func (e *Engine) exitCode(ctx context.Context, id string) (int, error) {
	result, err := e.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil || result.Container.State == nil {
		return 0, err
	}
	return result.Container.State.ExitCode, nil
}

// containerOf reads a line of the engine's list. What our labels do not say, of a
// container that another tool made, stays empty: such a one is made anew.
func containerOf(s container.Summary) deploy.Container {
	c := deploy.Container{
		ID: s.ID, Service: s.Labels[labelService], State: deploy.State(s.State), ImageID: s.ImageID,
		ConfigHash: s.Labels[labelConfigHash],
		Fields:     decode[map[string]string](s.Labels[labelFields]),
		Published:  decode[[]deploy.Published](s.Labels[labelPublished]),
	}
	c.Number, _ = strconv.Atoi(s.Labels[labelNumber]) // another tool's may have none: 0 comes first
	if len(s.Names) > 0 {
		c.Name = strings.TrimPrefix(s.Names[0], "/")
	}
	if s.NetworkSettings != nil {
		c.Networks = slices.Sorted(maps.Keys(s.NetworkSettings.Networks))
	}
	return c
}

// observeImages finds the images that project names, in one call.
func (e *Engine) observeImages(ctx context.Context, project *deploy.Project, o *deploy.Observed) error {
	wanted := map[string]bool{}
	for _, s := range project.Services {
		wanted[deploy.Reference(s.Image)] = true
		if s.Build != nil {
			for _, base := range s.Build.Bases {
				wanted[deploy.Reference(base)] = true
			}
		}
	}
	o.Images = map[string]deploy.Image{}
	if len(wanted) == 0 {
		return nil
	}
	list, err := e.api.ImageList(ctx, client.ImageListOptions{
		Filters: make(client.Filters).Add("reference", slices.Sorted(maps.Keys(wanted))...),
	})
	if err != nil {
		return err
	}
	for _, image := range list.Items {
		for _, tag := range append(image.RepoTags, image.RepoDigests...) {
			if reference := deploy.Reference(tag); wanted[reference] {
				o.Images[reference] = deploy.Image{
					ID: image.ID, BuildHash: image.Labels[labelBuildHash],
					BaseIDs: decode[map[string]string](image.Labels[labelBases]),
				}
			}
		}
	}
	return nil
}
