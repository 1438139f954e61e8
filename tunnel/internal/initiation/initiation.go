// Package initiation reads who sent the first message of a handshake.
//
// The WireGuard device does the same with each of them, but tells nobody when
// it does not know the sender. Here it is done only for those few about which
// somebody asks why a device cannot come in.
package initiation

import (
	"crypto/ecdh"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/chacha20poly1305"
	wgdevice "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// Where the parts of the message are.
const (
	ephemeralAt = 8
	staticAt    = ephemeralAt + wgdevice.NoisePublicKeySize
	timestampAt = staticAt + wgdevice.NoisePublicKeySize + chacha20poly1305.Overhead
)

// ErrForged says that the message was not made for our key, or is damaged.
var ErrForged = errors.New("the handshake's first message cannot be read with our key")

// Sender returns the public key that the sender of message says it has. It costs
// one X25519. Whether the sender really has it, only a whole handshake tells.
func Sender(own secret.Key, message []byte) (wgtypes.Key, error) {
	r, err := begin(own, message)
	return r.sender, err
}

// Timestamp is the time of a message by its sender's clock, as TAI64N: greater ones are
// later, byte by byte.
type Timestamp [timestampSize]byte

const timestampSize = 12

// tai64 is what the seconds of a Timestamp begin with at the start of 1970, as WireGuard's
// programs write them.
const tai64 = 0x400000000000000a

// At is what a clock writes that shows t, to the second.
func At(t time.Time) (at Timestamp) {
	binary.BigEndian.PutUint64(at[:], uint64(tai64+t.Unix()))
	return at
}

// Proven returns the sender and the time of message, both proven: who made it has the
// key. It may have been recorded and sent again by somebody else. It costs two X25519.
func Proven(own secret.Key, message []byte) (wgtypes.Key, Timestamp, error) {
	var at Timestamp
	r, err := begin(own, message)
	if err != nil {
		return wgtypes.Key{}, at, err
	}
	hash := mix(r.hash, message[staticAt:timestampAt])
	if err := r.step(r.sender[:]); err != nil {
		return wgtypes.Key{}, at, err
	}
	if _, err := r.open(at[:0], message[timestampAt:timestampAt+timestampSize+chacha20poly1305.Overhead], hash); err != nil {
		return wgtypes.Key{}, at, ErrForged
	}
	return r.sender, at, nil
}

// reader is a handshake of which the beginning was read.
type reader struct {
	private *ecdh.PrivateKey
	hash    [blake2s.Size]byte
	chain   [blake2s.Size]byte
	key     [chacha20poly1305.KeySize]byte
	sender  wgtypes.Key
}

func begin(own secret.Key, message []byte) (*reader, error) {
	r := &reader{}
	if len(message) != wgdevice.MessageInitiationSize {
		return r, fmt.Errorf("%w: it has %d bytes, not %d", ErrForged, len(message), wgdevice.MessageInitiationSize)
	}
	ephemeral, static := message[ephemeralAt:staticAt], message[staticAt:timestampAt]
	revealed, public := own.Reveal(), own.Public()
	var err error
	if r.private, err = ecdh.X25519().NewPrivateKey(revealed[:]); err != nil {
		return r, fmt.Errorf("reading our private key: %w", err)
	}
	r.hash = mix(mix(wgdevice.InitialHash, public[:]), ephemeral)
	wgdevice.KDF1(&r.chain, wgdevice.InitialChainKey[:], ephemeral)
	if err := r.step(ephemeral); err != nil {
		return r, err
	}
	var sender wgtypes.Key
	if _, err := r.open(sender[:0], static, r.hash); err != nil {
		return r, ErrForged
	}
	r.sender = sender
	return r, nil
}

// step goes on with what we share with the owner of a public key.
func (r *reader) step(public []byte) error {
	theirs, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	shared, err := r.private.ECDH(theirs)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	wgdevice.KDF2(&r.chain, &r.key, r.chain[:], shared)
	return nil
}

func (r *reader) open(to, sealed []byte, hash [blake2s.Size]byte) ([]byte, error) {
	aead, err := chacha20poly1305.New(r.key[:])
	if err != nil {
		return nil, err
	}
	return aead.Open(to, make([]byte, chacha20poly1305.NonceSize), sealed, hash[:])
}

// mix adds data to the hash of what was said so far.
func mix(hash [blake2s.Size]byte, data []byte) [blake2s.Size]byte {
	return blake2s.Sum256(append(hash[:], data...))
}
