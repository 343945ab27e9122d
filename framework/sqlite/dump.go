package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"io"

	"github.com/minos-framework/minos-go/framework/dump"
	"github.com/minos-framework/minos-go/framework/sqlite/internal/transfer"
)

// Export implements dump.Store. Others write meanwhile.
func (s *Store) Export(ctx context.Context, w io.Writer) error {
	// All reads are of one snapshot of the file.
	tx, err := s.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("export the store: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // it has only read
	if err := transfer.Export(ctx, tx, w); err != nil {
		return fmt.Errorf("export the store: %w", err)
	}
	return nil
}

// Import implements dump.Store. Whoever writes meanwhile waits for its end.
func (s *Store) Import(ctx context.Context, r io.Reader) error {
	d, err := dump.Read(r)
	if err == nil {
		err = s.write(ctx, func(t *transaction) error { return t.fill(ctx, d) })
	}
	if err != nil {
		return fmt.Errorf("import into the store: %w", err)
	}
	return nil
}

// fill stores a dump, unless something is stored.
func (t *transaction) fill(ctx context.Context, d *dump.Reader) error {
	used, err := t.used()
	if err != nil {
		return fmt.Errorf("look for rows: %w", err)
	}
	if used {
		return dump.ErrNotEmpty
	}
	n := 0
	for record, err := range d.Records() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		n++
		text, args := transfer.Insert(record, n)
		if _, err := t.exec(text, args...); err != nil {
			return fmt.Errorf("store record %d: %w", n, err)
		}
	}
	t.last = max(t.last, d.Position())
	return nil
}

// used reports whether something is stored.
func (t *transaction) used() (used bool, err error) {
	err = t.conn.QueryRowContext(t.ctx, `SELECT EXISTS (SELECT 1 FROM minos_event) OR EXISTS (SELECT 1 FROM minos_message)
		OR EXISTS (SELECT 1 FROM minos_snapshot) OR EXISTS (SELECT 1 FROM minos_receipt)
		OR EXISTS (SELECT 1 FROM minos_saga) OR EXISTS (SELECT 1 FROM minos_cursor)
		OR EXISTS (SELECT 1 FROM minos_subject_key)`).Scan(&used)
	return used, err
}
