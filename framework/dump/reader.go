package dump

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
)

// Reader reads a dump. It is used by one goroutine, once.
type Reader struct {
	decoder *json.Decoder
	check   *check
}

// Read begins to read a dump. It returns a *FormatError for what is not one.
func Read(r io.Reader) (*Reader, error) {
	d := &Reader{decoder: json.NewDecoder(r), check: newCheck(0)}
	d.decoder.DisallowUnknownFields() // what is not understood must not be lost
	first, err := d.next()
	if err != nil {
		return nil, err
	}
	switch {
	case first.Header == nil:
		return nil, d.check.refuse("it has no header: this is not a dump")
	case first.Header.Format != format:
		return nil, d.check.refuse("it is of format %d, and this program reads %d", first.Header.Format, format)
	case first.Header.Position < 0:
		return nil, d.check.refuse("the global order ends at %d", first.Header.Position)
	}
	d.check.position = first.Header.Position
	return d, nil
}

// Position is where the global order ends: numbers that are drawn later are
// above it.
func (d *Reader) Position() int64 { return d.check.position }

// Records yields the records. What is not as it must be is a *FormatError,
// yielded once and last; when there was none, the dump was read to its end and
// is whole.
func (d *Reader) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for {
			l, err := d.next()
			if err == nil && l.End != nil {
				err = d.finish(*l.End)
				if err == nil {
					return
				}
			}
			r := l.record()
			if err == nil {
				err = d.check.add(r)
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// finish holds the end against what came before, and against what follows.
func (d *Reader) finish(said end) error {
	counted, err := d.check.end()
	if err != nil {
		return err
	}
	if !maps.Equal(said.Records, counted.Records) {
		return d.check.refuse("its end says that there are %v records, and there are %v", said.Records, counted.Records)
	}
	if _, err := d.decoder.Token(); !errors.Is(err, io.EOF) {
		return d.check.refuse("something follows its end")
	}
	return nil
}

func (d *Reader) next() (l line, err error) {
	err = d.decoder.Decode(&l)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return l, &FormatError{Record: d.check.total, Reason: "it is the last: the dump was cut off", Err: err}
	}
	return l, &FormatError{Record: d.check.total + 1, Reason: fmt.Sprintf("it cannot be read: %v", err), Err: err}
}
