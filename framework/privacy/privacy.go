// Package privacy keeps personal data so that it can be forgotten: each value is
// sealed by a key of the person it is about (the subject), and who forgets the
// key has forgotten the data, wherever copies of it are.
//
// A Vault seals with AES-256-GCM and a random nonce. What is sealed says whose it
// is, in clear, and opens only as the field of the root entity that it was sealed
// for. A subject's key is made the first time it is needed and stored before
// anything that it seals is; it is stored wrapped by the master key, which comes
// from the configuration and is never stored: a copy of the database alone opens
// nothing.
//
// Forget destroys a key for good. A tombstone stays in its place, so that no
// other key is ever made for the subject. This process opens nothing of it from
// then on; another one, whose cache may hold the key, no later than
// Config.Keep after. Backups of the database still hold the wrapped key: they
// are forgotten when they are thrown away, or with the master key.
package privacy

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Keys is where the keys of subjects are stored, wrapped.
type Keys interface {
	// SubjectKeys returns what is stored for each of the subjects, in their
	// order; the zero Key for one of whom nothing is.
	SubjectKeys(ctx context.Context, subjects ...string) ([]Key, error)
	// CreateSubjectKey stores a key for a subject that has none, and returns what
	// is stored then, durably: the key given, or the one that was there first, or
	// that the subject is forgotten.
	CreateSubjectKey(ctx context.Context, subject string, wrapped []byte) (Key, error)
	// ForgetSubject destroys the key of a subject, if there is one, and leaves a
	// tombstone. It may be called again.
	ForgetSubject(ctx context.Context, subject string) error
}

// Key is what is stored for a subject.
type Key struct {
	// Wrapped is the key as the Vault gave it; nil when there is none.
	Wrapped []byte
	// Forgotten says that the subject was forgotten: there will be no key.
	Forgotten bool
}

// Config configures a Vault.
type Config struct {
	// Master is the key that wraps those of the subjects: 32 random bytes.
	// Required.
	Master []byte
	// Previous are former master keys. Keys that they wrapped are still opened;
	// new ones are wrapped by Master.
	Previous [][]byte
	// Keep is how long a key that was read is used before it is looked up again:
	// what another process may still open after a subject was forgotten. Zero
	// means one minute.
	Keep time.Duration
	// Cached bounds how many subjects' keys are held. Zero means 10,000.
	Cached int
	// Now is the clock that Keep goes by. Nil means time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	c.Keep = cmp.Or(c.Keep, time.Minute)
	c.Cached = cmp.Or(c.Cached, 10_000)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func (c Config) validate() error {
	var faults error
	if len(c.Master) != keySize {
		faults = fmt.Errorf("Master: it is %d bytes long, not %d", len(c.Master), keySize)
	}
	for i, previous := range c.Previous {
		if len(previous) != keySize {
			faults = errors.Join(faults, fmt.Errorf("Previous[%d]: it is %d bytes long, not %d", i, len(previous), keySize))
		}
	}
	if c.Keep < 0 || c.Cached < 0 {
		faults = errors.Join(faults, errors.New("Keep, Cached: neither may be negative"))
	}
	return faults
}

const keySize = 32 // AES-256

// ParseKey reads a master key as configurations have it: 32 bytes in base64,
// which `openssl rand -base64 32` prints.
func ParseKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("parse master key: it is not base64")
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("parse master key: it is %d bytes long, not %d", len(key), keySize)
	}
	return key, nil
}

// Vault seals and opens personal data. Make one by New. It is safe for
// concurrent use.
type Vault struct {
	keys    Keys
	config  Config
	current masterKey
	masters map[[idSize]byte]masterKey // current among them
	cache   *cache
}

// masterKey wraps subjects' keys. Its id goes with what it wraps.
type masterKey struct {
	id   [idSize]byte
	aead cipher.AEAD
}

const idSize = 4

// New returns a vault over keys.
func New(keys Keys, config Config) (*Vault, error) {
	config = config.withDefaults()
	if err := config.validate(); err != nil {
		return nil, fmt.Errorf("configure privacy: %w", err)
	}
	v := &Vault{keys: keys, config: config, masters: map[[idSize]byte]masterKey{}, cache: newCache(config)}
	for _, key := range append([][]byte{config.Master}, config.Previous...) {
		aead, err := newAEAD(key)
		if err != nil {
			return nil, fmt.Errorf("configure privacy: %w", err)
		}
		sum := sha256.Sum256(append([]byte("minos master key "), key...))
		m := masterKey{id: [idSize]byte(sum[:idSize]), aead: aead}
		if v.current.aead == nil {
			v.current = m
		}
		v.masters[m.id] = m
	}
	return v, nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Place is where a sealed value belongs. It opens nowhere else.
type Place struct {
	Root  string // the root entity's stable name
	Field string // the field's JSON name
}

// Seal seals a JSON value about a subject. It returns ErrForgotten for a subject
// that was forgotten. When it returns nil, the subject's key is stored.
func (v *Vault) Seal(ctx context.Context, at Place, subject string, plain json.RawMessage) (json.RawMessage, error) {
	key, err := v.key(ctx, subject, true)
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s: %w", at.Root, at.Field, err)
	}
	return envelope{Of: subject, Sealed: key.Seal(nil, nil, plain, at.bind(subject))}.encode(), nil
}

// Open returns the JSON value that was sealed. It returns ErrForgotten when its
// subject was forgotten, and ErrNotSealed for what Seal did not make for this
// place.
func (v *Vault) Open(ctx context.Context, at Place, sealed json.RawMessage) (json.RawMessage, error) {
	e, ok := decodeEnvelope(sealed)
	if !ok {
		return nil, fmt.Errorf("open %s.%s: %w", at.Root, at.Field, ErrNotSealed)
	}
	if len(e.Sealed) == 0 {
		return nil, fmt.Errorf("open %s.%s: %w", at.Root, at.Field, ErrForgotten)
	}
	key, err := v.key(ctx, e.Of, false)
	if err != nil {
		return nil, fmt.Errorf("open %s.%s: %w", at.Root, at.Field, err)
	}
	plain, err := key.Open(nil, nil, e.Sealed, at.bind(e.Of))
	if err != nil {
		return nil, fmt.Errorf("open %s.%s: %w", at.Root, at.Field, ErrNotSealed)
	}
	return plain, nil
}

// Forget destroys the key of a subject: nothing about it is ever opened again.
// It is done when Forget returns, whatever becomes of the unit of work of the
// caller, and may be called again.
//
// It returns ErrNoSubject, and leaves no tombstone, when there is no key: most
// often the subject is misspelt. A value that is the first to be sealed at that
// very moment is then sealed after Forget, and stays: who stops sealing about a
// subject before it is forgotten misses nothing.
func (v *Vault) Forget(ctx context.Context, subject string) error {
	stored, err := v.keys.SubjectKeys(ctx, subject)
	if err != nil {
		return fmt.Errorf("read the key of its subject: %w", err)
	}
	if stored[0].Wrapped == nil && !stored[0].Forgotten {
		return fmt.Errorf("forget a subject: %w", ErrNoSubject)
	}
	if err := v.keys.ForgetSubject(ctx, subject); err != nil {
		return fmt.Errorf("forget a subject: %w", err)
	}
	v.cache.forget(subject)
	return nil
}

// Forgotten reports whether a subject was forgotten.
func (v *Vault) Forgotten(ctx context.Context, subject string) (bool, error) {
	_, err := v.key(ctx, subject, false)
	switch {
	case errors.Is(err, ErrForgotten):
		return true, nil
	case errors.Is(err, errNoKey):
		return false, nil
	}
	return false, err
}

// Load reads the keys of subjects at once, as far as they are not held, so that
// opening what is theirs asks the store no more.
func (v *Vault) Load(ctx context.Context, subjects ...string) error {
	var unknown []string
	seen := make(map[string]bool, len(subjects))
	for _, subject := range subjects {
		if _, held := v.cache.get(subject); !held && !seen[subject] {
			seen[subject] = true
			unknown = append(unknown, subject)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	since := v.cache.now()
	found, err := v.keys.SubjectKeys(ctx, unknown...)
	if err != nil {
		return fmt.Errorf("read the keys of %d subjects: %w", len(unknown), err)
	}
	for i, subject := range unknown {
		if _, err := v.unwrap(subject, found[i], since); err != nil && !errors.Is(err, ErrForgotten) {
			return err
		}
	}
	return nil
}

var (
	// ErrForgotten says that a subject was forgotten: nothing about it is opened,
	// and nothing more is sealed.
	ErrForgotten = errors.New("the subject was forgotten")
	// ErrNotSealed says that a value was not sealed for the place that it is at,
	// or was changed since.
	ErrNotSealed = errors.New("it was not sealed for this place")
	// ErrNoSubject says that nothing was ever sealed about a subject.
	ErrNoSubject = errors.New("nothing was ever sealed about this subject")
)

// key returns the key of a subject; create says that one may be made.
func (v *Vault) key(ctx context.Context, subject string, create bool) (cipher.AEAD, error) {
	if subject == "" {
		return nil, errors.New("whom it is about is not known: the subject is empty")
	}
	if held, ok := v.cache.get(subject); ok {
		return held.use()
	}
	since := v.cache.now()
	stored, err := v.keys.SubjectKeys(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("read the key of its subject: %w", err)
	}
	found := stored[0]
	if create && found.Wrapped == nil && !found.Forgotten {
		wrapped, err := v.wrap(subject)
		if err != nil {
			return nil, err
		}
		if found, err = v.keys.CreateSubjectKey(ctx, subject, wrapped); err != nil {
			return nil, fmt.Errorf("store the key of its subject: %w", err)
		}
	}
	return v.unwrap(subject, found, since)
}

// wrap makes a key and returns it as it is stored.
func (v *Vault) wrap(subject string) ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return v.current.aead.Seal(v.current.id[:], nil, key, []byte(subject)), nil
}

// unwrap reads what is stored for a subject and holds it.
func (v *Vault) unwrap(subject string, stored Key, since time.Time) (cipher.AEAD, error) {
	if stored.Wrapped == nil || stored.Forgotten {
		return v.cache.put(subject, held{forgotten: stored.Forgotten, read: since}).use()
	}
	if len(stored.Wrapped) < idSize {
		return nil, errors.New("the stored key of the subject is too short")
	}
	master, ok := v.masters[[idSize]byte(stored.Wrapped)]
	if !ok {
		return nil, errors.New("the key of the subject is wrapped by a master key that is not configured")
	}
	key, err := master.aead.Open(nil, nil, stored.Wrapped[idSize:], []byte(subject))
	if err != nil {
		return nil, errors.New("the stored key of the subject is not what the master key wrapped")
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return v.cache.put(subject, held{aead: aead, read: since}).use()
}
