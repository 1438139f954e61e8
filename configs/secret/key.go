package secret

import (
	"fmt"
	"io"
	"log/slog"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

const keyPlaceholder = "(secret key)"

// Key is a WireGuard private or preshared key that cannot be printed. The zero
// Key means that there is none.
type Key struct {
	k wgtypes.Key
}

// NewKey hides k.
func NewKey(k wgtypes.Key) Key { return Key{k} }

// GeneratePrivateKey makes a new private key from the system's random source.
func GeneratePrivateKey() (Key, error) {
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		return Key{}, fmt.Errorf("generating a private key: %w", err)
	}
	return Key{k}, nil
}

// GeneratePresharedKey makes a new preshared key from the system's random source.
func GeneratePresharedKey() (Key, error) {
	k, err := wgtypes.GenerateKey()
	if err != nil {
		return Key{}, fmt.Errorf("generating a preshared key: %w", err)
	}
	return Key{k}, nil
}

// Reveal returns the key itself.
func (k Key) Reveal() wgtypes.Key { return k.k }

// Public returns the public key that belongs to the private key k.
func (k Key) Public() wgtypes.Key { return k.k.PublicKey() }

// IsZero says whether there is no key.
func (k Key) IsZero() bool { return k.k == wgtypes.Key{} }

// String implements fmt.Stringer with a placeholder.
func (Key) String() string { return keyPlaceholder }

// GoString implements fmt.GoStringer with a placeholder.
func (Key) GoString() string { return keyPlaceholder }

// Format implements fmt.Formatter with a placeholder, whatever the verb.
func (Key) Format(f fmt.State, _ rune) { io.WriteString(f, keyPlaceholder) }

// LogValue implements slog.LogValuer with a placeholder.
func (Key) LogValue() slog.Value { return slog.StringValue(keyPlaceholder) }

// MarshalText implements encoding.TextMarshaler with a placeholder, which
// keeps a key out of JSON and TOML as well.
func (Key) MarshalText() ([]byte, error) { return []byte(keyPlaceholder), nil }
