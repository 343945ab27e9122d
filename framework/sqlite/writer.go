package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/minos-framework/minos-go/framework/unit"
)

// group is how many calls share a transaction at most.
const group = 128

var errClosed = errors.New("the store is closed")

// call is a write that waits for the writer.
type call struct {
	ctx  context.Context
	run  func(t *transaction) error
	done chan error // takes the one result
}

// write runs fn in a transaction, which it may share with other calls; when fn
// returns an error, nothing of it is stored.
func (s *Store) write(ctx context.Context, fn func(t *transaction) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &call{ctx: ctx, run: fn, done: make(chan error, 1)}
	select {
	case s.calls <- c:
	case <-s.closing:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return &unit.UnknownError{Err: ctx.Err()} // the writer is at it
	}
}

// start takes the connection and begins to serve calls.
func (s *Store) start(ctx context.Context) error {
	conn, err := s.writes.Conn(ctx)
	if err != nil {
		return err
	}
	// No caller's context may interrupt a transaction that is shared.
	t := &transaction{ctx: context.WithoutCancel(ctx), conn: conn, prepared: map[string]*sql.Stmt{}}
	go func() {
		defer close(s.closed)
		defer t.close()
		for {
			select {
			case c := <-s.calls:
				t.commit(s.gather(c))
			case <-s.closing:
				return
			}
		}
	}()
	return nil
}

// gather adds the calls that wait already. While a group is committed the next
// one gathers: nobody waits for company.
func (s *Store) gather(first *call) []*call {
	calls := []*call{first}
	for len(calls) < group {
		select {
		case c := <-s.calls:
			calls = append(calls, c)
		default:
			return calls
		}
	}
	return calls
}

// transaction writes on the one connection that does.
type transaction struct {
	ctx      context.Context
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	last     int64 // of the global order
}

// commit runs calls in one transaction. An error of a call is its own; an error
// of the transaction is everybody's.
func (t *transaction) commit(calls []*call) {
	results := make([]error, len(calls))
	if err := t.attempt(calls, results); err != nil {
		_, _ = t.exec("ROLLBACK") // fails when SQLite has done so itself
		for i := range results {
			results[i] = err
		}
	}
	for i, c := range calls {
		c.done <- results[i]
	}
}

// attempt sets the results of the calls. Its error says that nothing of any of
// them was stored, or that it is not known.
func (t *transaction) attempt(calls []*call, results []error) error {
	if _, err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := t.readLast(); err != nil {
		return fmt.Errorf("read the sequence: %w", err)
	}
	before := t.last
	for i, c := range calls {
		if results[i] = c.ctx.Err(); results[i] != nil {
			continue
		}
		var err error
		if len(calls) == 1 { // whose error takes back the transaction
			err = c.run(t)
		} else {
			results[i], err = t.nested(c.run)
		}
		if err != nil {
			return errors.Join(results[i], err)
		}
	}
	if t.last != before {
		if _, err := t.exec("UPDATE minos_sequence SET last = ?", t.last); err != nil {
			return fmt.Errorf("move the sequence: %w", err)
		}
	}
	if _, err := t.exec("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// nested runs fn and takes back what it did when it returns an error, which is
// the result. Err is an error of the transaction.
func (t *transaction) nested(fn func(t *transaction) error) (result, err error) {
	if _, err := t.exec("SAVEPOINT call"); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	last := t.last
	if result = fn(t); result != nil {
		t.last = last
		if _, err := t.exec("ROLLBACK TO call"); err != nil {
			return result, fmt.Errorf("roll back: %w", err)
		}
	}
	if _, err := t.exec("RELEASE call"); err != nil {
		return result, fmt.Errorf("release: %w", err)
	}
	return result, nil
}

// readLast reads the sequence, which a new file does not have.
func (t *transaction) readLast() error {
	st, err := t.prepare("SELECT last FROM minos_sequence")
	if err != nil {
		t.last = 0
		return t.expectNew(err)
	}
	return st.QueryRowContext(t.ctx).Scan(&t.last)
}

// expectNew returns err unless the file has no tables of ours.
func (t *transaction) expectNew(err error) error {
	var version int
	if scanErr := t.conn.QueryRowContext(t.ctx, "PRAGMA user_version").Scan(&version); scanErr != nil {
		return scanErr
	}
	if version > 0 {
		return err
	}
	return nil
}

// exec runs a statement of ours, which is prepared once, and returns how many
// rows it changed.
func (t *transaction) exec(text string, args ...any) (int64, error) {
	st, err := t.prepare(text)
	if err != nil {
		return 0, err
	}
	result, err := st.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// prepare keeps a statement for as long as the connection lives.
func (t *transaction) prepare(text string) (*sql.Stmt, error) {
	st, ok := t.prepared[text]
	if ok {
		return st, nil
	}
	st, err := t.conn.PrepareContext(t.ctx, text)
	if err == nil {
		t.prepared[text] = st
	}
	return st, err
}

// close ends the writer, after its last transaction.
func (t *transaction) close() {
	for _, st := range t.prepared {
		_ = st.Close() // only reads and memory are left
	}
	_ = t.conn.Close() // gives it back to the pool
}
