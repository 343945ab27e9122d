package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/minos-framework/minos-go/e2e/bench/internal/load"
	"github.com/minos-framework/minos-go/e2e/bench/internal/report"
)

// minosPosts is what Minos 0.7.0 reaches, by connections: rate in 1/s, p50 and
// p99 in ms.
func minosPosts() []peer {
	return []peer{{1, 44.8, 21.8, 32.6}, {16, 52.6, 303, 341}, {64, 49.8, 1251, 1427}}
}

type peer struct {
	connections    int
	rate, p50, p99 float64
}

func (p peer) row() string {
	if p.connections == 1 {
		return "POST /foos, 1 connection"
	}
	return fmt.Sprintf("POST /foos, %d connections", p.connections)
}

func (p peer) behind() string { return p.row() + ": last event handled after" }

const (
	rowBare      = "POST /foos, 16 connections, beside a bare net/http and pgx insert"
	rowBusy      = "foo after the load, resident memory"
	anchorMinos  = "Minos"
	minosCreates = 16 // the connections that Minos is fastest at
)

func postRows() []string {
	rows := []string{rowBusy}
	for _, p := range minosPosts() {
		rows = append(rows, p.row(), p.row()+", p50", p.row()+", p99", p.behind())
	}
	return rows
}

// posting returns what a connection does again and again: create a foo.
func posting(address string) func(context.Context) (load.Round, error) {
	return func(ctx context.Context) (load.Round, error) {
		conn, err := load.Dial(ctx, address)
		if err != nil {
			return nil, err
		}
		return func(context.Context) error {
			_, err := create(conn)
			return err
		}, nil
	}
}

// create creates a foo and returns its uuid.
func create(conn *load.Conn) (string, error) {
	answer, err := conn.Post("/foos", []byte(`{"bar":"test"}`), http.StatusCreated)
	if err != nil {
		return "", err
	}
	var created struct{ UUID string }
	if err := json.Unmarshal(answer, &created); err != nil || len(created.UUID) != 36 {
		return "", fmt.Errorf("create a foo: answered %s: %w", answer, err)
	}
	return created.UUID, nil
}

// measurePosts loads foo from ever more connections. After each load it waits
// until every event was handled, so that nothing is put off into the next.
func measurePosts(ctx context.Context, b *bench) error {
	s, err := b.running(ctx)
	if err != nil {
		return err
	}
	for _, minos := range minosPosts() {
		if !b.wanted(minos.row(), minos.row()+", p50", minos.row()+", p99", minos.behind(), rowBusy) {
			continue
		}
		result, behind, err := b.post(ctx, s.foo, minos.connections)
		if err != nil {
			return err
		}
		row := report.Row{Row: minos.row(), Value: result.Rate(), Unit: "/s"}.Against(anchorMinos, minos.rate)
		if minos.connections == minosCreates {
			row = row.RatioAtLeast(100)
		}
		b.add(row)
		b.add(latency(minos.row()+", p50", result.Percentile(0.5)).Against(anchorMinos, minos.p50))
		b.add(latency(minos.row()+", p99", result.Percentile(0.99)).Against(anchorMinos, minos.p99))
		b.add(latency(minos.behind(), behind))
	}
	megabytes, err := s.foo.memory()
	b.add(report.Row{Row: rowBusy, Value: megabytes, Unit: "MB"}.Against(anchorMinos, 83))
	return err
}

func latency(row string, d time.Duration) report.Row {
	return report.Row{Row: row, Value: milliseconds(d), Unit: "ms"}
}

// post loads foo, and returns also how long its handling of the events went on
// after the last answer.
func (b *bench) post(ctx context.Context, foo *process, connections int) (load.Result, time.Duration, error) {
	before := foo.created.Load()
	warm, err := load.Run(ctx, connections, b.warmup(), posting(foo.address))
	if err != nil {
		return warm, 0, err
	}
	profile := b.profiling(ctx, fmt.Sprintf("post-%d", connections))
	result, err := load.Run(ctx, connections, b.duration(), posting(foo.address))
	ended := time.Now()
	if err := profile(); err != nil {
		return result, 0, err
	}
	if err != nil {
		return result, 0, err
	}
	err = foo.handled(ctx, &foo.created, before+int64(warm.Count()+result.Count()))
	return result, time.Since(ended), err
}
