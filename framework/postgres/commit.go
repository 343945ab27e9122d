package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/minos-framework/minos-go/framework/postgres/internal/write"
	"github.com/minos-framework/minos-go/framework/unit"
)

// Commit implements unit.Store, in one round trip: one statement, followed in
// the same transaction by those of the works.
func (s *Store) Commit(ctx context.Context, works ...*unit.Work) error {
	b, err := unit.NewBatch(works...)
	if err != nil || b.Empty() {
		return err
	}
	shape, args := write.Arguments(b)
	// Who waits for a connection in vain has sent nothing.
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to commit to postgres: %w", err)
	}
	defer conn.Release()
	if b.HasStatements() {
		err = s.commitAll(ctx, conn, b, shape, args)
	} else {
		_, err = conn.Exec(ctx, s.statement(shape), args...)
	}
	switch {
	case err == nil:
		return nil
	case unanswered(conn, err):
		return &unit.UnknownError{Err: fmt.Errorf("commit to postgres: %w", err)}
	}
	return refused(b, err)
}

// unanswered reports whether the connection ended after something was sent and
// before the database said what became of it.
func unanswered(conn *pgxpool.Conn, err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	said := ok && pg.SeverityUnlocalized == "ERROR" // and nothing worse, which may come after a commit
	return conn.Conn().IsClosed() && !said && !pgconn.SafeToRetry(err)
}

// commitAll commits a batch that has statements: what is sent as one pgx.Batch
// is one transaction.
func (s *Store) commitAll(ctx context.Context, conn *pgxpool.Conn, b *unit.Batch, shape write.Shape, args []any) error {
	var batch pgx.Batch
	if shape != 0 {
		batch.Queue(s.statement(shape), args...)
	}
	for _, w := range b.Works {
		for _, st := range w.Statements {
			batch.Queue(st.SQL, st.Args...)
		}
	}
	results := conn.SendBatch(ctx, &batch)
	for range batch.Len() {
		if _, err := results.Exec(); err != nil {
			_ = results.Close() // tells the same error
			return err
		}
	}
	return results.Close()
}

// statement returns the statement for a shape, which is written once.
func (s *Store) statement(of write.Shape) string {
	text, ok := s.statements.Load(of)
	if !ok {
		text, _ = s.statements.LoadOrStore(of, of.Statement())
	}
	return text.(string)
}

// The codes of errors that say that somebody was first.
const (
	uniqueViolation = "23505"
	refusal         = "MN409" // of minos.refuse
	deadlock        = "40P01"
	serialization   = "40001"
)

// dataException is the class of the codes for values that no retry makes good.
const dataException = "22"

// programLimit is the class of the codes for what is beyond the server's limits,
// as a text over about 2.7 kB is in a field with an index.
const programLimit = "54"

// refused turns the database's error into the framework's, keeping the cause.
func refused(b *unit.Batch, err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && (pg.Code == deadlock || pg.Code == serialization):
		return &unit.ConflictError{Name: "transaction", Err: err}
	case ok && strings.HasPrefix(pg.Code, dataException):
		return unfit(http.StatusBadRequest, "the database does not take a value", pg)
	case ok && strings.HasPrefix(pg.Code, programLimit):
		return unfit(http.StatusRequestEntityTooLarge, "a value is too large for the database", pg)
	}
	if ok && (pg.Code == refusal || pg.Code == uniqueViolation && pg.SchemaName == "minos") {
		if taken := taken(b, pg, err); taken != nil {
			return taken
		}
	}
	return fmt.Errorf("commit to postgres: %w", err)
}

// taken says which receipt, aggregate or saga of a batch somebody else had first:
// the one whose key stands in the error's detail.
func taken(b *unit.Batch, pg *pgconn.PgError, err error) error {
	if pg.TableName == "receipt" {
		for _, r := range b.Receipts {
			if strings.Contains(pg.Detail, "("+r.Message.String()+", "+r.Topic+")") {
				return b.Duplicate(r, err)
			}
		}
	}
	for _, s := range b.States {
		if strings.Contains(pg.Detail, s.Aggregate.String()) {
			return b.Conflict(s.Aggregate, err).At(stored(pg.Detail))
		}
	}
	for _, e := range b.Sagas {
		if strings.Contains(pg.Detail, e.ID.String()) {
			return b.Conflict(e.ID, err).At(stored(pg.Detail))
		}
	}
	return nil
}

// unfit is the refusal of a value that no retry makes good.
func unfit(status int, reason string, err *pgconn.PgError) error {
	return &unit.RefusedError{Status: status, Reason: reason + ": " + err.Message, Err: err}
}

// stored reads the version and the position that the detail of minos.refuse
// has. Other details, of keys that are there twice, have neither.
func stored(detail string) (version int, offset int64) {
	var id string
	if n, err := fmt.Sscan(detail, &id, &version, &offset); n < 3 || err != nil {
		return 0, 0
	}
	return version, offset
}
