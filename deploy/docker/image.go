package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/minos-framework/minos-go/deploy"
	"github.com/minos-framework/minos-go/deploy/buildcontext"
)

// pull fetches an image that is not on the engine.
func (r *Runner) pull(ctx context.Context, image string, output func(string)) error {
	response, err := r.api.ImagePull(ctx, image, client.ImagePullOptions{})
	if err != nil {
		return fmt.Errorf("fetch %s: %w", image, err)
	}
	for message, err := range response.JSONMessages(ctx) {
		if err != nil {
			return fmt.Errorf("fetch %s: %w", image, err)
		}
		if message.Error != nil {
			return fmt.Errorf("fetch %s: %w", image, message.Error)
		}
		if message.Progress == nil || message.Progress.Total == 0 { // not the moving bars
			output(strings.TrimSpace(message.ID + " " + message.Status))
		}
	}
	return nil
}

// BuildError says which step of a Dockerfile failed.
type BuildError struct {
	Image string
	Step  string // as the builder names it: "[build 3/5] RUN go build"; "" when it named none
	Cause string
	// Output is the end of what the step printed, at most 30 lines.
	Output []string
}

// Error returns the failing step, what the builder says of it and its output.
func (e *BuildError) Error() string {
	text := "image " + e.Image + " cannot be built: "
	if e.Step != "" {
		text += e.Step + ": "
	}
	text += e.Cause
	if len(e.Output) > 0 {
		text += "\n  | " + strings.Join(e.Output, "\n  | ")
	}
	return text
}

// build builds the image of s: with BuildKit, and without it on an engine that
// has none, or where it would need a client's session (to fetch the frontend that
// a "# syntax" line names).
func (r *Runner) build(ctx context.Context, s deploy.Service, output func(string)) error {
	labels, err := r.buildLabels(ctx, s)
	if err != nil {
		return err
	}
	options := client.ImageBuildOptions{
		Tags: []string{s.Image}, Dockerfile: s.Build.Dockerfile, Target: s.Build.Target, Labels: labels,
		BuildArgs: map[string]*string{}, Version: build.BuilderBuildKit, Remove: true, ForceRemove: true,
	}
	for name, value := range s.Build.Args {
		options.BuildArgs[name] = &value
	}
	err = r.buildWith(ctx, s, options, output)
	if needsClassic(err) {
		options.Version = build.BuilderV1
		err = r.buildWith(ctx, s, options, output)
	}
	return err
}

// needsClassic says whether err is what BuildKit says when it cannot be used this way.
func needsClassic(err error) bool {
	if err == nil {
		return false
	}
	message := err.Error()
	return strings.Contains(message, "no active session") || strings.Contains(message, "buildkit not supported") ||
		strings.Contains(message, "BuildKit is not supported")
}

// buildLabels says of an image what it was built from, for the next plan.
func (r *Runner) buildLabels(ctx context.Context, s deploy.Service) (map[string]string, error) {
	bases := map[string]string{}
	for _, base := range s.Build.Bases {
		image, err := r.api.ImageInspect(ctx, base)
		if err != nil {
			return nil, fmt.Errorf("find base image %s: %w", base, err)
		}
		bases[deploy.Reference(base)] = image.ID
	}
	labels := resourceLabels(r.plan.Project, labelService, s.Name)
	labels[labelBuildHash], labels[labelBases] = s.Build.Hash, encode(bases)
	return labels, nil
}

// buildWith sends the build context as the body of the request. No session is
// opened: base images are here already, because the plan pulled them.
func (r *Runner) buildWith(
	ctx context.Context, s deploy.Service, options client.ImageBuildOptions, output func(string),
) error {
	source, err := buildcontext.Open(s.Build.Context, s.Build.Dockerfile)
	if err != nil {
		return err
	}
	// The archive is never whole in memory. Closing the reader ends the writer too.
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(source.WriteTar(writer)) }()
	defer reader.Close() //nolint:errcheck // a pipe returns none
	result, err := r.api.ImageBuild(ctx, reader, options)
	if err != nil {
		return fmt.Errorf("build %s: %w", s.Image, err)
	}
	defer result.Body.Close()
	progress := newProgress(output)
	if err := progress.read(result.Body); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failure, ok := errors.AsType[*jsonstream.Error](err)
		if !ok {
			return fmt.Errorf("build %s: %w", s.Image, err)
		}
		step, lines := progress.failed()
		return &BuildError{Image: s.Image, Step: step, Cause: failure.Message, Output: lines}
	}
	return nil
}
