// Package initiation reads who sent the first message of a handshake.
//
// The WireGuard device does the same with each of them, but tells nobody when
// it does not know the sender. Here it is done only for those few about which
// somebody asks why a device cannot come in.
package initiation

import (
	"crypto/ecdh"
	"errors"
	"fmt"

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
	if len(message) != wgdevice.MessageInitiationSize {
		return wgtypes.Key{}, fmt.Errorf("%w: it has %d bytes, not %d", ErrForged, len(message), wgdevice.MessageInitiationSize)
	}
	ephemeral, static := message[ephemeralAt:staticAt], message[staticAt:timestampAt]
	revealed, public := own.Reveal(), own.Public()
	private, err := ecdh.X25519().NewPrivateKey(revealed[:])
	if err != nil {
		return wgtypes.Key{}, fmt.Errorf("reading our private key: %w", err)
	}
	theirs, err := ecdh.X25519().NewPublicKey(ephemeral)
	if err != nil {
		return wgtypes.Key{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	shared, err := private.ECDH(theirs)
	if err != nil {
		return wgtypes.Key{}, fmt.Errorf("%w: %w", ErrForged, err)
	}
	hash := mix(mix(wgdevice.InitialHash, public[:]), ephemeral)
	var chain [blake2s.Size]byte
	var key [chacha20poly1305.KeySize]byte
	wgdevice.KDF1(&chain, wgdevice.InitialChainKey[:], ephemeral)
	wgdevice.KDF2(&chain, &key, chain[:], shared)
	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		return wgtypes.Key{}, err
	}
	var sender wgtypes.Key
	if _, err := aead.Open(sender[:0], make([]byte, chacha20poly1305.NonceSize), static, hash[:]); err != nil {
		return wgtypes.Key{}, ErrForged
	}
	return sender, nil
}

// mix adds data to the hash of what was said so far.
func mix(hash [blake2s.Size]byte, data []byte) [blake2s.Size]byte {
	return blake2s.Sum256(append(hash[:], data...))
}
