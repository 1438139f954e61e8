package ddns

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

const redacted = "(credentials)"

// Credentials are what a provider wants to see. They cannot be printed, logged or
// marshalled. The zero value has neither user nor secret.
type Credentials struct {
	// A closure, because fmt walks into unexported fields without calling our
	// methods, and through a pointer where the verb is a wrong one. Of a function
	// it prints the address and no more.
	held func() heldCredentials
}

type heldCredentials struct{ user, secret string }

// NewCredentials keeps a user and a secret. What they are depends on the provider:
// see Provider. Space around them, which copying brings along, is cut off.
func NewCredentials(user, secret string) Credentials {
	h := heldCredentials{strings.TrimSpace(user), strings.TrimSpace(secret)}
	return Credentials{func() heldCredentials { return h }}
}

// String returns a placeholder.
func (Credentials) String() string { return redacted }

// GoString returns a placeholder.
func (Credentials) GoString() string { return redacted }

// Format writes a placeholder, whatever the verb.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns a placeholder.
func (Credentials) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns a placeholder.
func (Credentials) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns a placeholder.
func (Credentials) MarshalText() ([]byte, error) { return []byte(redacted), nil }

func (c Credentials) user() string {
	if c.held == nil {
		return ""
	}
	return c.held().user
}

func (c Credentials) secret() string {
	if c.held == nil {
		return ""
	}
	return c.held().secret
}

// leastSecret is the shortest part of a URL that is taken for a secret.
const leastSecret = 8

// scrubber returns a function that cuts the credentials out of foreign text: a
// provider may repeat what it was sent. Only the secrets are cut, and the custom
// URL's parts that may be one.
func (c Credentials) scrubber() func(string) string {
	var pairs []string
	hide := func(s string) {
		if s == "" {
			return
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			pairs = append(pairs, form, redacted)
		}
	}
	secret := c.secret()
	hide(secret)
	if secret != "" {
		hide(base64.StdEncoding.EncodeToString([]byte(c.user() + ":" + secret)))
	}
	if u, err := url.Parse(secret); err == nil && u.Scheme != "" {
		hide(u.RequestURI())
		if p, ok := u.User.Password(); ok {
			hide(p)
		}
		for _, values := range u.Query() {
			for _, v := range values {
				if len(v) >= leastSecret && !strings.Contains(v, "{") {
					hide(v)
				}
			}
		}
		for part := range strings.SplitSeq(u.Path, "/") {
			if len(part) >= leastSecret {
				hide(part)
			}
		}
	}
	return strings.NewReplacer(pairs...).Replace
}
