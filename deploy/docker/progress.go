package docker

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/moby/moby/api/types/jsonstream"
)

// outputLines is how much of a failing step's output is kept.
const outputLines = 30

// progress follows the stream that a builder answers with, and keeps the end of
// each step's output, for the one that fails.
type progress struct {
	output  func(line string)
	steps   map[string]*buildStep // by digest
	last    *buildStep            // the classic builder's current one, BuildKit's failed one
	errored bool                  // last is known to be the one that failed
}

// buildStep is a step of a Dockerfile.
type buildStep struct {
	name    string
	told    bool   // output was told the name
	partial string // a line that has not ended yet
	lines   []string
}

func newProgress(output func(string)) *progress {
	return &progress{output: output, steps: map[string]*buildStep{}}
}

// read follows the stream to its end. The builder's own error is a
// *jsonstream.Error.
func (p *progress) read(stream io.Reader) error {
	decoder := json.NewDecoder(stream)
	for {
		var message jsonstream.Message
		switch err := decoder.Decode(&message); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the builder's answer: %w", err)
		case message.Error != nil:
			return message.Error
		case message.ID == "moby.buildkit.trace" && message.Aux != nil:
			var trace []byte
			if err := json.Unmarshal(*message.Aux, &trace); err != nil {
				return fmt.Errorf("read the builder's answer: %w", err)
			}
			p.trace(trace)
		case message.Stream != "":
			p.classic(message.Stream)
		}
	}
}

// failed returns the failing step's name and the end of its output.
func (p *progress) failed() (name string, lines []string) {
	if p.last == nil {
		return "", nil
	}
	if p.last.partial != "" {
		p.last.add(p.last.partial)
	}
	return p.last.name, p.last.lines
}

// classic reads the text of the classic builder: "Step 2/3 : RUN x" begins a step.
func (p *progress) classic(text string) {
	if strings.HasPrefix(text, "Step ") {
		p.last = &buildStep{name: strings.TrimSpace(text)}
		p.output(p.last.name)
		return
	}
	if p.last == nil {
		p.last = &buildStep{}
	}
	// It paints what goes to standard error.
	p.last.write(strings.NewReplacer("\x1b[91m", "", "\x1b[0m", "").Replace(text), p.output)
}

// trace reads a moby.buildkit.v1.StatusResponse: of it the vertexes (field 1),
// which are the steps, and the logs (field 3).
func (p *progress) trace(message []byte) {
	for field, value := range fields(message) {
		switch field {
		case 1:
			p.vertex(value)
		case 3:
			p.log(value)
		}
	}
}

// vertex reads a Vertex: digest 1, name 3, started 5, error 7.
func (p *progress) vertex(message []byte) {
	var digest, name, failure string
	started := false
	for field, value := range fields(message) {
		switch field {
		case 1:
			digest = string(value)
		case 3:
			name = string(value)
		case 5:
			started = true
		case 7:
			failure = string(value)
		}
	}
	step := p.step(digest)
	step.name = name
	if started && !step.told && !strings.HasPrefix(name, "[internal]") {
		step.told = true
		p.output(name)
	}
	// What is canceled because another failed has an error too.
	if failure != "" && !p.errored && !strings.Contains(failure, "context canceled") {
		p.last, p.errored = step, true
	}
}

// log reads a VertexLog: vertex 1, msg 4.
func (p *progress) log(message []byte) {
	var digest, text string
	for field, value := range fields(message) {
		switch field {
		case 1:
			digest = string(value)
		case 4:
			text = string(value)
		}
	}
	p.step(digest).write(text, p.output)
}

func (p *progress) step(digest string) *buildStep {
	if p.steps[digest] == nil {
		p.steps[digest] = &buildStep{}
	}
	return p.steps[digest]
}

// write takes output, which need not end with a line.
func (s *buildStep) write(text string, output func(string)) {
	s.partial += strings.ReplaceAll(text, "\r\n", "\n")
	for {
		line, rest, ended := strings.Cut(s.partial, "\n")
		if !ended {
			return
		}
		s.partial = rest
		if line = strings.TrimRight(line, " \r"); line != "" {
			s.add(line)
			output(line)
		}
	}
}

func (s *buildStep) add(line string) {
	s.lines = append(s.lines, line)
	if len(s.lines) > outputLines {
		s.lines = s.lines[1:]
	}
}

// fields yields the number and content of each length-delimited field of a
// protocol buffers message; the others are passed over. It ends at what it does
// not understand: progress is no reason to fail.
func fields(message []byte) func(yield func(number uint64, value []byte) bool) {
	return func(yield func(uint64, []byte) bool) {
		for len(message) > 0 {
			key, n := binary.Uvarint(message)
			if n <= 0 {
				return
			}
			message = message[n:]
			skip := 0
			switch key & 7 {
			case 0: // varint
				if _, skip = binary.Uvarint(message); skip <= 0 {
					return
				}
			case 1: // 64 bits
				skip = 8
			case 2:
				size, n := binary.Uvarint(message)
				if n <= 0 || size > uint64(len(message)-n) {
					return
				}
				if !yield(key>>3, message[n:n+int(size)]) {
					return
				}
				skip = n + int(size)
			case 5: // 32 bits
				skip = 4
			default:
				return
			}
			if skip > len(message) {
				return
			}
			message = message[skip:]
		}
	}
}
