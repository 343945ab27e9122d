package postgres

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/minos-framework/minos-go/framework/postgres/internal/dialect"
	"github.com/minos-framework/minos-go/framework/query"
)

// Page is how many rows are read at a time.
const Page = page

// Pages yields numbers page by page.
func Pages(ctx context.Context, read func(ctx context.Context, last *int, n int) ([]int, error)) iter.Seq2[int, error] {
	return inPages(ctx, read)
}

// PlansOf returns the plans, as they were carried out, of the statements about a
// table that fn makes the store run.
func PlansOf(ctx context.Context, s *Store, table string, fn func(s *Store) error) ([]string, error) {
	recorder := &recorder{about: "FROM " + table}
	config := s.pool.Config()
	config.ConnConfig.Tracer = recorder
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	defer pool.Close()
	if err := fn(&Store{pool: pool}); err != nil {
		return nil, err
	}
	recorder.done = true
	plans := make([]string, len(recorder.texts))
	for i, text := range recorder.texts {
		text = "EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) " + text
		rows, _ := pool.Query(ctx, text, recorder.args[i]...) // rows tell the error
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("explain %s: %w", text, err)
		}
		plans[i] = strings.Join(lines, "\n")
	}
	return plans, nil
}

// recorder keeps the statements about a table.
type recorder struct {
	about string

	mu    sync.Mutex
	done  bool
	texts []string
	args  [][]any
}

func (r *recorder) keep(text string, args []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.done && strings.Contains(text, r.about) {
		r.texts, r.args = append(r.texts, text), append(r.args, args)
	}
}

// TraceQueryStart implements pgx.QueryTracer.
func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	r.keep(d.SQL, d.Args)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (r *recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (r *recorder) TraceBatchQuery(_ context.Context, _ *pgx.Conn, d pgx.TraceBatchQueryData) {
	r.keep(d.SQL, d.Args)
}

// TraceBatchEnd implements pgx.BatchTracer.
func (r *recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// IndexName returns the name that an index has in the server.
func IndexName(index query.Index) string {
	name, _ := dialect.Index(index)
	return name
}

// IndexDefinition returns what an index is on.
func IndexDefinition(index query.Index) string {
	_, definition := dialect.Index(index)
	return definition
}
