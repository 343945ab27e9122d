package memory

import (
	"context"
	"slices"

	"github.com/minos-framework/minos-go/framework/privacy"
)

var _ privacy.Keys = (*Store)(nil)

// keyring holds what is known of each subject. Its zero value is empty.
type keyring map[string]privacy.Key

// SubjectKeys implements privacy.Keys.
func (s *Store) SubjectKeys(_ context.Context, subjects ...string) ([]privacy.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]privacy.Key, len(subjects))
	for i, subject := range subjects {
		keys[i] = cloneKey(s.keys[subject])
	}
	return keys, nil
}

// CreateSubjectKey implements privacy.Keys.
func (s *Store) CreateSubjectKey(_ context.Context, subject string, wrapped []byte) (privacy.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.keys[subject]; !ok {
		s.setKey(subject, privacy.Key{Wrapped: wrapped})
	}
	return cloneKey(s.keys[subject]), nil
}

// ForgetSubject implements privacy.Keys.
func (s *Store) ForgetSubject(_ context.Context, subject string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setKey(subject, privacy.Key{Forgotten: true})
	return nil
}

func (s *Store) setKey(subject string, key privacy.Key) {
	if s.keys == nil {
		s.keys = keyring{}
	}
	s.keys[subject] = cloneKey(key)
}

func cloneKey(k privacy.Key) privacy.Key {
	k.Wrapped = slices.Clone(k.Wrapped)
	return k
}
