package docker

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
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
func fields(message []byte) iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		for len(message) > 0 {
			key, n := binary.Uvarint(message)
			if n <= 0 {
				return
			}
			begin, end, ok := extent(key&7, message[n:])
			if !ok {
				return
			}
			if key&7 == delimited && !yield(key>>3, message[n+begin:n+end]) {
				return
			}
			message = message[n+end:]
		}
	}
}

// The kinds of fields of protocol buffers, without the two that are out of use.
const (
	varint    = 0
	fixed64   = 1
	delimited = 2
	fixed32   = 5
)

// extent returns where a field's content begins and ends in the message that is
// left behind its key. It is not ok with what is cut short or of no known kind.
func extent(kind uint64, message []byte) (begin, end int, ok bool) {
	switch kind {
	case varint:
		_, end = binary.Uvarint(message)
		return 0, end, end > 0
	case fixed64:
		return 0, 8, len(message) >= 8
	case delimited:
		size, n := binary.Uvarint(message)
		if n <= 0 || size > uint64(len(message)-n) {
			return 0, 0, false
		}
		return n, n + int(size), true
	case fixed32:
		return 0, 4, len(message) >= 4
	}
	return 0, 0, false
}
