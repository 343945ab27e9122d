package dump

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Writer writes a dump. It is used by one goroutine.
type Writer struct {
	out     *bufio.Writer
	encoder *json.Encoder
	check   *check
}

// NewWriter begins a dump of a store whose global order ends at a position: of
// no number that was drawn, nor of a cursor, is it the lower one.
func NewWriter(w io.Writer, position int64) (*Writer, error) {
	out := bufio.NewWriterSize(w, 64<<10)
	d := &Writer{out: out, encoder: json.NewEncoder(out), check: newCheck(position)}
	d.encoder.SetEscapeHTML(false)
	return d, d.write(line{Header: &header{Format: format, Position: position}})
}

// Write adds a record. It returns a *FormatError, and writes nothing, for one
// that Read would refuse. It keeps no reference to r.
func (d *Writer) Write(r Record) error {
	if err := d.check.add(r); err != nil {
		return err
	}
	return d.write(r.encode())
}

// Close writes the end of the dump, without which it is not taken for whole. It
// leaves the io.Writer open.
func (d *Writer) Close() error {
	e, err := d.check.end()
	if err != nil {
		return err
	}
	if err := d.write(line{End: &e}); err != nil {
		return err
	}
	if err := d.out.Flush(); err != nil {
		return fmt.Errorf("write the dump: %w", err)
	}
	return nil
}

func (d *Writer) write(l line) error {
	if err := d.encoder.Encode(l); err != nil {
		return fmt.Errorf("write the dump: %w", err)
	}
	return nil
}
