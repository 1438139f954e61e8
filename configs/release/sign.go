package release

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ParseKeys reads public keys in base64, separated by commas. An empty text is
// no key.
func ParseKeys(text string) ([]ed25519.PublicKey, error) {
	var keys []ed25519.PublicKey
	for _, s := range strings.Split(text, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil || len(b) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("public key %.60q is not 32 bytes in base64", s)
		}
		keys = append(keys, b)
	}
	return keys, nil
}

// FormatKey is the public key as ParseKeys reads it.
func FormatKey(k ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(k) }

// ParsePrivateKey reads the PEM that "openssl genpkey -algorithm ed25519" writes.
func ParsePrivateKey(data []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("reading the signing key: it is not PEM")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the signing key: %w", err)
	}
	key, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("reading the signing key: it is not of Ed25519")
	}
	return key, nil
}

// Sign returns the signature file for data.
func Sign(data []byte, keys ...ed25519.PrivateKey) []byte {
	var out []byte
	for _, k := range keys {
		out = append(out, ed25519.Sign(k, data)...)
	}
	return out
}

// Verify says whether one of the signatures is by one of the keys. The error
// wraps ErrSignature.
func Verify(data, signatures []byte, keys []ed25519.PublicKey) error {
	if len(signatures) == 0 || len(signatures) > MaxSignature || len(signatures)%ed25519.SignatureSize != 0 {
		return fmt.Errorf("%w: a signature file of %d bytes is none", ErrSignature, len(signatures))
	}
	for at := 0; at < len(signatures); at += ed25519.SignatureSize {
		for _, k := range keys {
			if ed25519.Verify(k, data, signatures[at:at+ed25519.SignatureSize]) {
				return nil
			}
		}
	}
	return ErrSignature
}
