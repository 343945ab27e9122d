package sqlite

import (
	"context"
	"fmt"
	"strings"

	"github.com/minos-framework/minos-go/framework/privacy"
)

var _ privacy.Keys = (*Store)(nil)

// keysAtOnce bounds the placeholders of one statement.
const keysAtOnce = 500

// SubjectKeys implements privacy.Keys.
func (s *Store) SubjectKeys(ctx context.Context, subjects ...string) ([]privacy.Key, error) {
	found := make(map[string]privacy.Key, len(subjects))
	for rest := subjects; len(rest) > 0; {
		some := rest[:min(len(rest), keysAtOnce)]
		rest = rest[len(some):]
		if err := s.readKeys(ctx, some, found); err != nil {
			return nil, fmt.Errorf("read keys: %w", err)
		}
	}
	keys := make([]privacy.Key, len(subjects))
	for i, subject := range subjects {
		keys[i] = found[subject]
	}
	return keys, nil
}

func (s *Store) readKeys(ctx context.Context, subjects []string, found map[string]privacy.Key) error {
	args := make([]any, len(subjects))
	for i, subject := range subjects {
		args[i] = subject
	}
	rows, err := s.reads.QueryContext(ctx, "SELECT subject, wrapped, wrapped IS NULL FROM minos_subject_key WHERE subject IN ("+
		strings.TrimPrefix(strings.Repeat(", ?", len(args)), ", ")+")", args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // its error is that of rows.Err
	for rows.Next() {
		var subject string
		var key privacy.Key
		if err := rows.Scan(&subject, &key.Wrapped, &key.Forgotten); err != nil {
			return err
		}
		found[subject] = key
	}
	return rows.Err()
}

// CreateSubjectKey implements privacy.Keys.
func (s *Store) CreateSubjectKey(ctx context.Context, subject string, wrapped []byte) (key privacy.Key, err error) {
	err = s.write(ctx, func(t *transaction) error {
		if _, err := t.exec("INSERT INTO minos_subject_key (subject, wrapped) VALUES (?, ?) ON CONFLICT DO NOTHING",
			subject, wrapped); err != nil {
			return err
		}
		return t.conn.QueryRowContext(t.ctx, "SELECT wrapped, wrapped IS NULL FROM minos_subject_key WHERE subject = ?",
			subject).Scan(&key.Wrapped, &key.Forgotten)
	})
	if err != nil {
		return privacy.Key{}, fmt.Errorf("create a key: %w", err)
	}
	return key, nil
}

// ForgetSubject implements privacy.Keys. The key's bytes are overwritten, and
// secure_delete has those of its former places in the file overwritten too. The
// log beside the file has them until it is written over, or the file is closed.
func (s *Store) ForgetSubject(ctx context.Context, subject string) error {
	err := s.write(ctx, func(t *transaction) error {
		if _, err := t.exec("UPDATE minos_subject_key SET wrapped = zeroblob(length(wrapped)) WHERE subject = ?",
			subject); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO minos_subject_key (subject) VALUES (?)
			ON CONFLICT (subject) DO UPDATE SET wrapped = NULL`, subject)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget a key: %w", err)
	}
	return nil
}
