package backup

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"filippo.io/age"

	"homeward/configs/secret"
)

const (
	// MinPassphrase is how many characters a passphrase has at least: who finds the
	// file may try as often as they like.
	MinPassphrase = 12
	maxPassphrase = 1024 // bytes
	// workFactor is the logarithm of scrypt's cost: 64 MiB, which the smallest
	// Raspberry Pi has.
	workFactor = 16
	// maxWorkFactor is what is accepted: 128 MiB. A file that asks for more would
	// stop a small box.
	maxWorkFactor = 17
)

// Refusal is a file or a key that is not accepted, for a person.
type Refusal struct {
	Field string // file, key or passphrase
	Text  string
	Err   error // or nil
}

func (e *Refusal) Error() string { return e.Text }

// Unwrap returns what is behind it.
func (e *Refusal) Unwrap() error { return e.Err }

func refuse(field, format string, args ...any) *Refusal {
	return &Refusal{Field: field, Text: fmt.Sprintf(format, args...)}
}

// Recipient is whom a backup is sealed for.
type Recipient struct{ to age.Recipient }

// ForPassphrase seals for whoever knows the passphrase. A weak one is a *Refusal.
func ForPassphrase(passphrase secret.Text) (Recipient, error) {
	p := passphrase.Reveal()
	switch {
	case utf8.RuneCountInString(p) < MinPassphrase:
		return Recipient{}, refuse("passphrase", "the passphrase is too short: %d characters are needed, since who finds the file may guess for years; four or five words do well", MinPassphrase)
	case len(p) > maxPassphrase:
		return Recipient{}, refuse("passphrase", "the passphrase is too long: %d bytes are the limit", maxPassphrase)
	}
	r, err := age.NewScryptRecipient(p)
	if err != nil {
		return Recipient{}, err
	}
	r.SetWorkFactor(workFactor)
	return Recipient{r}, nil
}

// NewRecoveryCode makes a code that opens backups, and the public half that they are
// sealed for.
func NewRecoveryCode() (code secret.Text, public string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return secret.Text{}, "", fmt.Errorf("making a recovery code: %w", err)
	}
	return secret.NewText(id.String()), id.Recipient().String(), nil
}

// ForRecoveryCode seals for the public half of a recovery code.
func ForRecoveryCode(public string) (Recipient, error) {
	r, err := age.ParseX25519Recipient(public)
	if err != nil {
		return Recipient{}, fmt.Errorf("reading the recovery code's public half: %w", err)
	}
	return Recipient{r}, nil
}

// codePrefix begins a recovery code.
const codePrefix = "AGE-SECRET-KEY-"

// unlock is the key that a person typed, a passphrase or a recovery code, as an
// identity of age. It says in words what age's errors don't.
type unlock struct {
	passphrase string
	code       *age.X25519Identity // nil: it is no recovery code
}

func newUnlock(key secret.Text) (unlock, error) {
	k := key.Reveal()
	if k == "" {
		return unlock{}, refuse("key", "the passphrase or recovery code is missing")
	}
	if len(k) > maxPassphrase {
		return unlock{}, refuse("key", "the passphrase is too long: %d bytes are the limit", maxPassphrase)
	}
	u := unlock{passphrase: k}
	// On paper it is broken into lines, and typed in small letters.
	code := strings.ToUpper(strings.Join(strings.Fields(k), ""))
	if strings.HasPrefix(code, codePrefix) {
		id, err := age.ParseX25519Identity(code)
		if err != nil {
			return unlock{}, refuse("key", "the recovery code is mistyped: compare it with what was written down")
		}
		u.code = id
	}
	return u, nil
}

// Unwrap implements age.Identity.
func (u unlock) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 {
		return nil, refuse("file", "this file is sealed for %d keys: it is not a backup that homeward made", len(stanzas))
	}
	s := stanzas[0]
	switch {
	case s.Type == "scrypt" && len(s.Args) == 2:
		if n, err := strconv.Atoi(s.Args[1]); err != nil || n > maxWorkFactor {
			return nil, refuse("file", "this file asks for more memory than a passphrase may cost here (scrypt work factor %.9q, the limit is %d): it is not a backup that homeward made", s.Args[1], maxWorkFactor)
		}
		if u.code != nil {
			return nil, refuse("key", "this backup was sealed with a passphrase, not for a recovery code")
		}
		id, err := age.NewScryptIdentity(u.passphrase)
		if err != nil {
			return nil, err
		}
		id.SetMaxWorkFactor(maxWorkFactor)
		key, err := id.Unwrap(stanzas)
		if errors.Is(err, age.ErrIncorrectIdentity) {
			return nil, refuse("key", "this is not the passphrase of this backup")
		}
		return key, err
	case s.Type == "X25519":
		if u.code == nil {
			return nil, refuse("key", "this backup was sealed for a recovery code, which begins with %s1: a passphrase does not open it", codePrefix)
		}
		key, err := u.code.Unwrap(stanzas)
		if errors.Is(err, age.ErrIncorrectIdentity) {
			return nil, refuse("key", "this is not the recovery code of this backup: there may be a newer or an older one")
		}
		return key, err
	}
	return nil, refuse("file", "this file is sealed in another way (%.20q): it is not a backup that homeward made", s.Type)
}
