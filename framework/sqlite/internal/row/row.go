// Package row says how what a store keeps stands in the rows of its tables: the
// columns that are read, and what is made of them, or becomes of a value. It
// knows neither connections nor which rows are wanted.
package row

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/minos-framework/minos-go/framework/unit"
)

// The columns that Event, Message and Snapshot read, and where they are. A
// condition follows.
const (
	SelectEvents = `SELECT seq, aggregate, version, name, action, schema, data, headers, created_at
	FROM minos_event WHERE `
	SelectMessages  = "SELECT seq, id, topic, key, reply_to, status, content, headers FROM minos_message WHERE "
	SelectSnapshots = "SELECT aggregate, name, version, schema, data, created_at, updated_at FROM minos_snapshot WHERE "
)

// Scanner is satisfied by *sql.Row and *sql.Rows.
type Scanner interface{ Scan(dest ...any) error }

// Event reads a row of SelectEvents.
func Event(r Scanner) (e unit.Event, err error) {
	var headers []byte
	var created int64
	err = r.Scan(&e.Seq, (*ID)(&e.Aggregate), &e.Version, &e.Name, &e.Action, &e.Schema, (*[]byte)(&e.Data),
		&headers, &created)
	if err != nil {
		return e, err
	}
	e.CreatedAt = Time(created)
	e.Headers, err = decodeHeaders(headers)
	return e, err
}

// Message reads a row of SelectMessages: a message and its number in the global
// order.
func Message(r Scanner) (seq int64, m unit.Message, err error) {
	var headers []byte
	err = r.Scan(&seq, (*ID)(&m.ID), &m.Topic, &m.Key, &m.ReplyTo, &m.Status, (*[]byte)(&m.Content), &headers)
	if err != nil {
		return seq, m, err
	}
	m.Headers, err = decodeHeaders(headers)
	return seq, m, err
}

// Snapshot reads a row of SelectSnapshots.
func Snapshot(r Scanner) (s unit.Snapshot, err error) {
	var created, updated int64
	err = r.Scan((*ID)(&s.Aggregate), &s.Name, &s.Version, &s.Schema, (*[]byte)(&s.Data), &created, &updated)
	s.CreatedAt, s.UpdatedAt = Time(created), Time(updated)
	return s, err
}

// ID scans the bytes of a UUID.
type ID uuid.UUID

// Scan implements sql.Scanner.
func (u *ID) Scan(src any) error {
	data, ok := src.([]byte)
	if !ok || len(data) != len(u) {
		return fmt.Errorf("%v is not a UUID", src)
	}
	copy(u[:], data)
	return nil
}

// Time is the time that SQLite stores as microseconds.
func Time(microseconds int64) time.Time { return time.UnixMicro(microseconds).UTC() }

// JSON is JSON as SQLite stores it: a text, or NULL when there is none.
func JSON(data json.RawMessage) any {
	if data == nil {
		return nil
	}
	return string(data)
}

// Headers are headers as SQLite stores them: NULL when there are none.
func Headers(headers map[string]string) any {
	if len(headers) == 0 {
		return nil
	}
	data, _ := json.Marshal(headers) // a map of strings always encodes
	return string(data)
}

func decodeHeaders(data []byte) (headers map[string]string, err error) {
	if data == nil {
		return nil, nil
	}
	err = json.Unmarshal(data, &headers)
	return headers, err
}
