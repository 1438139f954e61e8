package peers

import (
	"crypto/ecdh"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// CheckPublicKey refuses a key that a device brought but cannot have made.
func CheckPublicKey(key, server wgtypes.Key) error {
	switch {
	case key == server:
		return fieldErrorf("public_key", "this is homeward's own public key: paste the one that the device shows")
	case !isUsablePublicKey(key):
		return fieldErrorf("public_key", "this key gives no protection and is none that WireGuard makes: paste the one that the device shows")
	}
	return nil
}

// isUsablePublicKey refuses the points of low order, zero among them, with
// which every shared secret is zero (RFC 7748 section 6.1), and the second
// spelling that each key has with the unused top bit set.
func isUsablePublicKey(key wgtypes.Key) bool {
	if !looksLikePublicKey(key) {
		return false
	}
	anyPrivate, err := ecdh.X25519().NewPrivateKey(append([]byte{8}, make([]byte, 31)...))
	if err != nil {
		return false
	}
	public, err := ecdh.X25519().NewPublicKey(key[:])
	if err != nil {
		return false
	}
	_, err = anyPrivate.ECDH(public)
	return err == nil
}

// looksLikePublicKey is the quick part of isUsablePublicKey, for keys that passed
// it before: thousands are read at a start.
func looksLikePublicKey(key wgtypes.Key) bool { return key[31]&0x80 == 0 && key != (wgtypes.Key{}) }

// newKeys makes the secrets of a peer: always a preshared key, and a private
// key unless the device brought its own public one.
func newKeys(brought *wgtypes.Key) (public wgtypes.Key, private, preshared secret.Key, err error) {
	if preshared, err = secret.GeneratePresharedKey(); err != nil {
		return public, private, preshared, err
	}
	if brought != nil {
		return *brought, private, preshared, nil
	}
	if private, err = secret.GeneratePrivateKey(); err != nil {
		return public, private, preshared, err
	}
	return private.Public(), private, preshared, nil
}
