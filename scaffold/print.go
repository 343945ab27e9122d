package scaffold

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
)

// Print shows the plan, one line for each file that changes. More than a few
// new files of one directory are one line.
func (p *Plan) Print(w io.Writer) error {
	if p.Empty() {
		_, err := fmt.Fprintln(w, "nothing to change")
		return err
	}
	var lines []summary
	for _, c := range p.Changes {
		if c.Action == Keep {
			continue
		}
		at := c.Path
		if i := strings.Index(at, "/third_party/"); i >= 0 {
			at = at[:i] + "/third_party/" // hundreds of files that nobody reads here
		}
		if n := len(lines) - 1; n >= 0 && lines[n].at == at && lines[n].action == c.Action {
			lines[n].files++
			continue
		}
		lines = append(lines, summary{action: c.Action, at: at, reason: c.Reason, files: 1})
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// summary is a line of Print.
type summary struct {
	action     Action
	at, reason string
	files      int
}

// String is "create  path  (reason)".
func (s summary) String() string {
	at := s.at
	if strings.HasSuffix(at, "/") {
		at += fmt.Sprintf(" (%d files)", s.files)
	}
	return fmt.Sprintf("%-8s %s  # %s", s.action, at, s.reason)
}

// MarshalJSON is the plan as programs read it: the directory, and of each file
// the path, the action, its reason, its mode and its hash.
func (p *Plan) MarshalJSON() ([]byte, error) {
	type change struct {
		Path   string `json:"path"`
		Action Action `json:"action"`
		Reason string `json:"reason"`
		Mode   string `json:"mode,omitempty"`
		SHA256 string `json:"sha256,omitempty"`
	}
	changes := []change{}
	for _, c := range p.Changes {
		one := change{Path: path.Clean(c.Path), Action: c.Action, Reason: c.Reason}
		if c.Action != Remove {
			one.Mode, one.SHA256 = fmt.Sprintf("%04o", c.Mode.Perm()), Sum(c.Content)
		}
		changes = append(changes, one)
	}
	return json.Marshal(struct {
		Dir     string   `json:"dir"`
		Changes []change `json:"changes"`
	}{p.Dir, changes})
}
