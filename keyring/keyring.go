// Package keyring seals secrets for storage with AES-256-GCM (NIST SP 800-38D) under keys
// that lie outside of the database, so that a dump of it gives away none.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
)

// Ring holds keys: the first seals, all open. It may be used by several goroutines at
// once.
type Ring struct {
	text string // of the keys, when path is empty
	path string // of the file that holds them, read anew at each use
	own  bool   // Cairn makes the file and adds to it
}

// FromFile returns the keys in a file: 32 bytes in base64 a line, as openssl rand -base64
// 32 makes them, lines that begin with # aside. What is added to the file holds at once.
func FromFile(path string) *Ring { return &Ring{path: path} }

// FromText returns the keys in a text of the same form, parted by blanks or commas.
func FromText(text cairn.Secret) *Ring {
	return &Ring{text: strings.Join(strings.FieldsFunc(text.Reveal(), func(r rune) bool { return r == ',' || r == ' ' }), "\n")}
}

// Own returns the keys in a file that is made, with a first key and readable by its
// owner alone, when it is not there, and to which Renew adds.
func Own(path string) (*Ring, error) {
	r := &Ring{path: path, own: true}
	if _, err := os.Stat(path); err != nil {
		if err := r.create(); err != nil {
			return nil, err
		}
	}
	return r, r.Check()
}

func (r *Ring) create() error {
	if err := os.MkdirAll(filepath.Dir(r.path), 0o700); err != nil {
		return fmt.Errorf("make the key of secrets: %w", err)
	}
	err := write(r.path, []key{newKey()}, os.Link) // which never replaces a file
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// Renew puts a fresh key before the others, where the file is Cairn's own; else whoever
// provides the keys does.
func (r *Ring) Renew() error {
	if !r.own {
		return nil
	}
	keys, err := r.keys()
	if err != nil {
		return err
	}
	return write(r.path, append([]key{newKey()}, keys...), os.Rename)
}

// Check returns an ErrInvalid error that says what to do unless there are keys.
func (r *Ring) Check() error {
	_, err := r.keys()
	return err
}

// IDs returns the ids of the keys, that which seals first. They tell nothing of the keys.
func (r *Ring) IDs() ([]string, error) {
	keys, err := r.keys()
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID()
	}
	return ids, err
}

// The form of what is sealed: a byte for the form, the id of the key, a random nonce,
// the ciphertext with its tag.
const (
	form   = 1
	idSize = 8
)

// Seal returns a secret sealed for a place: it can be opened only for the same words.
func (r *Ring) Seal(secret cairn.Secret, place ...string) ([]byte, error) {
	keys, err := r.keys()
	if err != nil {
		return nil, err
	}
	head := append([]byte{form}, keys[0].id()...)
	aead, err := keys[0].aead()
	if err != nil {
		return nil, err
	}
	return aead.Seal(head, nil, []byte(secret.Reveal()), authenticated(head, place)), nil
}

// Open returns the secret that was sealed for a place. An ErrUnavailable error says that
// its key is missing, or that it was sealed for another place or changed.
func (r *Ring) Open(sealed []byte, place ...string) (cairn.Secret, error) {
	keys, err := r.keys()
	if err != nil {
		return cairn.Secret{}, err
	}
	id := KeyOf(sealed)
	i := slices.IndexFunc(keys, func(k key) bool { return k.ID() == id })
	if i < 0 {
		return cairn.Secret{}, cairn.Errorf(cairn.ErrUnavailable, "a secret cannot be opened: its key %s is not in %s. Put the key back there, or set the secret anew", id, r.place())
	}
	aead, err := keys[i].aead()
	if err != nil {
		return cairn.Secret{}, err
	}
	plain, err := aead.Open(nil, nil, sealed[1+idSize:], authenticated(sealed[:1+idSize], place))
	if err != nil {
		return cairn.Secret{}, cairn.Errorf(cairn.ErrUnavailable, "a secret cannot be opened: it was changed in the database. Set it anew")
	}
	return cairn.NewSecret(string(plain)), nil
}

// KeyOf returns the id of the key that something was sealed with; "" when it was not.
func KeyOf(sealed []byte) string {
	if len(sealed) < 1+idSize || sealed[0] != form {
		return ""
	}
	return hex.EncodeToString(sealed[1 : 1+idSize])
}

// authenticated is what a sealed secret is bound to beside its key.
func authenticated(head []byte, place []string) []byte {
	return append(slices.Clone(head), strings.Join(place, "\x00")...)
}

// place says in messages where the keys are.
func (r *Ring) place() string {
	if r.path == "" {
		return "CAIRN_SECRET_KEY"
	}
	return r.path
}

// keys reads the keys, at least one.
func (r *Ring) keys() ([]key, error) {
	text := r.text
	if r.path != "" {
		b, err := os.ReadFile(r.path)
		if err != nil {
			return nil, cairn.Errorf(cairn.ErrInvalid, "the key of secrets cannot be read: %v", err)
		}
		text = string(b)
	}
	var keys []key
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(b) != len(key{}) {
			return nil, cairn.Errorf(cairn.ErrInvalid, "%s holds something that is no key: give 32 bytes in base64, as openssl rand -base64 32 makes them", r.place())
		}
		keys = append(keys, key(b))
	}
	if len(keys) == 0 {
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s holds no key: give 32 bytes in base64, as openssl rand -base64 32 makes them", r.place())
	}
	return keys, nil
}

// key is a key of AES-256.
type key [32]byte

func newKey() (k key) {
	_, _ = rand.Read(k[:]) // it never fails
	return k
}

// id names the key: part of a hash of it, which 256 random bits do not fear.
func (k key) id() []byte {
	sum := sha256.Sum256(append([]byte("cairn key id\x00"), k[:]...))
	return sum[:idSize]
}

// ID is id in hexadecimal.
func (k key) ID() string { return hex.EncodeToString(k.id()) }

func (k key) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		return nil, fmt.Errorf("AES: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("AES-GCM: %w", err)
	}
	return aead, nil
}

// write writes keys to a file beside path and puts it in place.
func write(path string, keys []key, put func(from, to string) error) error {
	text := "# Cairn seals secrets with the first key and opens them with any. Keep a copy of this\n" +
		"# file apart from that of the database: without it the secrets must be set anew.\n"
	for _, k := range keys {
		text += base64.StdEncoding.EncodeToString(k[:]) + "\n"
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".secret-key-*") // 0600
	if err != nil {
		return fmt.Errorf("write the key of secrets: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = put(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the key of secrets: %w", err)
	}
	return nil
}
