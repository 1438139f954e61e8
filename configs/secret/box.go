package secret

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// BoxKeySize is the length of a Box's key in bytes.
const BoxKeySize = chacha20poly1305.KeySize

// ErrSealed says that a sealed value was not made with this key and for this
// purpose, or was changed since.
var ErrSealed = errors.New("a sealed value cannot be opened: its key is another one, or it was changed")

// Box seals values that are stored, with XChaCha20-Poly1305.
type Box struct{ aead cipher.AEAD }

// NewBox makes a box of a key of BoxKeySize bytes.
func NewBox(key []byte) (Box, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return Box{}, fmt.Errorf("making a box to seal secrets in: %w", err)
	}
	return Box{aead}, nil
}

// Seal hides a value. Only Open with the same purpose gives it back, so that a
// sealed value cannot be put in another's place.
func (b Box) Seal(purpose string, value []byte) []byte {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(value)+chacha20poly1305.Overhead)
	rand.Read(nonce) // never fails (crypto/rand)
	return b.aead.Seal(nonce, nonce, value, []byte(purpose))
}

// Open gives back what was sealed, or ErrSealed.
func (b Box) Open(purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, ErrSealed
	}
	nonce, rest := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	value, err := b.aead.Open(nil, nonce, rest, []byte(purpose))
	if err != nil {
		return nil, ErrSealed
	}
	return value, nil
}
