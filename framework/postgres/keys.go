package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/minos-framework/minos-go/framework/privacy"
)

var _ privacy.Keys = (*Store)(nil)

// SubjectKeys implements privacy.Keys.
func (s *Store) SubjectKeys(ctx context.Context, subjects ...string) ([]privacy.Key, error) {
	rows, _ := s.pool.Query(ctx, `SELECT k.wrapped, k.subject IS NOT NULL AND k.wrapped IS NULL
		FROM unnest($1::text[]) WITH ORDINALITY AS asked (subject, place)
		LEFT JOIN minos.subject_key k USING (subject) ORDER BY place`, subjects) // rows tell the error
	keys, err := pgx.CollectRows(rows, scanKey)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return keys, nil
}

func scanKey(row pgx.CollectableRow) (key privacy.Key, err error) {
	err = row.Scan(&key.Wrapped, &key.Forgotten)
	return key, err
}

// CreateSubjectKey implements privacy.Keys. The update changes nothing: it has
// the statement return what another writer was first with.
func (s *Store) CreateSubjectKey(ctx context.Context, subject string, wrapped []byte) (privacy.Key, error) {
	rows, _ := s.pool.Query(ctx, `INSERT INTO minos.subject_key (subject, wrapped) VALUES ($1, $2)
		ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject
		RETURNING wrapped, wrapped IS NULL`, subject, wrapped) // rows tell the error
	key, err := pgx.CollectExactlyOneRow(rows, scanKey)
	if err != nil {
		return privacy.Key{}, fmt.Errorf("create a key: %w", err)
	}
	return key, nil
}

// ForgetSubject implements privacy.Keys.
func (s *Store) ForgetSubject(ctx context.Context, subject string) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO minos.subject_key (subject) VALUES ($1)
		ON CONFLICT (subject) DO UPDATE SET wrapped = NULL`, subject)
	if err != nil {
		return fmt.Errorf("forget a key: %w", err)
	}
	return nil
}
