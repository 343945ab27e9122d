package docker

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// exec runs argv, which no shell reads, in a container with input on its
// standard input, and returns what it printed. A code other than 0 is an error
// with what it said.
func (e *Engine) exec(ctx context.Context, container string, argv []string, input string) (string, error) {
	created, err := e.api.ExecCreate(ctx, container, client.ExecCreateOptions{
		Cmd: argv, AttachStdin: true, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return "", fmt.Errorf("run %s: %w", argv[0], err)
	}
	attached, err := e.api.ExecAttach(ctx, created.ID, client.ExecAttachOptions{})
	if err != nil {
		return "", fmt.Errorf("run %s: %w", argv[0], err)
	}
	defer attached.Close()
	// The connection does not know ctx.
	defer context.AfterFunc(ctx, attached.Close)()
	if _, err := attached.Conn.Write([]byte(input)); err != nil {
		return "", fmt.Errorf("run %s: %w", argv[0], err)
	}
	if err := attached.CloseWrite(); err != nil {
		return "", fmt.Errorf("run %s: %w", argv[0], err)
	}
	var stdout, stderr bytes.Buffer
	if _, err := stdcopy.StdCopy(&stdout, &stderr, attached.Reader); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", fmt.Errorf("run %s: %w", argv[0], err)
	}
	result, err := e.api.ExecInspect(ctx, created.ID, client.ExecInspectOptions{})
	if err != nil {
		return "", fmt.Errorf("run %s: %w", argv[0], err)
	}
	if result.ExitCode != 0 {
		said := strings.TrimSpace(stderr.String() + stdout.String())
		return "", fmt.Errorf("run %s: exit code %d: %s", argv[0], result.ExitCode, said)
	}
	return stdout.String(), nil
}
