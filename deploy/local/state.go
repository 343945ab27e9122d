package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// State is what a running project tells the other commands.
type State struct {
	Project string `json:"project"`
	// PID is of the process that runs the project.
	PID int `json:"pid"`
	// Broker is the address of the embedded broker, as host:port.
	Broker   string                  `json:"broker"`
	Started  time.Time               `json:"started"`
	Services map[string]ServiceState `json:"services"`
}

// ServiceState is what State says of a service.
type ServiceState struct {
	URL string `json:"url"`
	PID int    `json:"pid"`
	// Exit says how it ended; it is empty while it runs.
	Exit string `json:"exit,omitempty"`
}

// ReadState returns what the project in dir runs as. It returns ErrNotRunning
// when nothing runs it, also when the process that did was killed.
func ReadState(dir string) (*State, error) {
	data, err := os.ReadFile(filepath.Join(dir, stateDir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	var state State
	if err := json.Unmarshal(data, &state); err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	if !alive(state.PID) {
		return nil, ErrNotRunning
	}
	return &state, nil
}

const stateFile = "dev.json"

// write puts the state where ReadState finds it.
func (s State) write(file string) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	if err := writeFile(file, append(data, '\n')); err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

// writeFile replaces a file as a whole: who reads it sees the old or the new.
func writeFile(file string, data []byte) error {
	temporary := file + ".new"
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, file)
}
