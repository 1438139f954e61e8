package account

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"sync"
	"time"
)

// linkLasts is how long a setup link can be used. The clock that counts is the
// monotonic one: a small box learns the date after its start.
const linkLasts = 24 * time.Hour

// setup is the one setup token that is valid. Only its hash is kept.
type setup struct {
	now func() time.Time

	mu    sync.Mutex // guards the fields that follow
	hash  [sha256.Size]byte
	until time.Time // zero: there is none
}

// renew makes another token; the one before ends.
func (s *setup) renew() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewLocked()
}

// first makes a token unless there is one that is valid.
func (s *setup) first() (token string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now().Before(s.until) {
		return "", false
	}
	return s.renewLocked(), true
}

func (s *setup) renewLocked() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	token := base64.RawURLEncoding.EncodeToString(b[:])
	s.hash, s.until = sha256.Sum256([]byte(token)), s.now().Add(linkLasts)
	return token
}

func (s *setup) valid(token string) bool {
	hash := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	same := subtle.ConstantTimeCompare(hash[:], s.hash[:]) == 1
	return same && s.now().Before(s.until)
}

func (s *setup) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hash, s.until = [sha256.Size]byte{}, time.Time{}
}
