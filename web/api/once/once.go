package once

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"homeward/configs/secret"
)

// What becomes of a key that was used before.
var (
	// ErrOther says that it stood for another request.
	ErrOther = errors.New("this key was sent before, with another request: take another key for another request")
	// ErrForgotten says that it was done, and what came of it is no longer told.
	ErrForgotten = errors.New("this was done when the key was sent first; the answer had a secret, and is forgotten")
)

// How much is remembered.
const (
	// Lasts is how long a key stands for its request.
	Lasts = 24 * time.Hour
	// SecretLasts is how long an answer with a secret is kept, as a hand-over is.
	SecretLasts = 10 * time.Minute
	// maxCaller bounds the keys of one caller, and maxKeys those of all: the oldest
	// ones make room.
	maxCaller = 500
	maxKeys   = 2000
	// maxAnswer bounds an answer that is kept, in bytes; a larger one counts as a secret
	// that is forgotten at once. A device's is about 1 KiB.
	maxAnswer = 16 << 10
)

// Key is what a program chose, and who the program is.
type Key struct{ Caller, Text string }

// Request is a fingerprint of all that a request asks for.
type Request [32]byte

// Answer is what a request was answered with.
type Answer struct {
	Status int
	Header http.Header
	Body   secret.Text
}

// Store remembers what was asked and answered. Its zero value is ready.
type Store struct {
	mu   sync.Mutex // guards all below
	keys map[Key]*entry
	old  []*entry // in the order in which they came
}

type entry struct {
	key     Key
	request Request
	since   time.Time
	done    chan struct{} // closed when what follows is known
	made    bool          // false: it came to nothing, and may be tried again
	kept    bool          // the answer is still there
	answer  Answer
}

// Do gives the answer of do, or the one that it gave before for the same key, and
// whether it was that. Requests with a key that is being answered wait. An answer
// that refuses (400 and more) is not remembered: nothing was made. With hide the answer has a secret.
func (s *Store) Do(ctx context.Context, key Key, request Request, hide bool, do func() Answer) (a Answer, again bool, err error) {
	for {
		e, first := s.enter(key, request)
		if first {
			return s.first(e, hide, do), false, nil
		}
		if e.request != request {
			return Answer{}, false, ErrOther
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return Answer{}, false, ctx.Err()
		}
		if a, made, kept := s.told(e); made && kept {
			return a, true, nil
		} else if made {
			return Answer{}, false, ErrForgotten
		}
	}
}

// first does what nobody did yet.
func (s *Store) first(e *entry, hide bool, do func() Answer) (a Answer) {
	defer func() { // also when do panics
		s.mu.Lock()
		defer s.mu.Unlock()
		if e.made = a.Status >= 200 && a.Status < 400; !e.made {
			s.forgetLocked(e)
		} else if len(a.Body.Reveal()) <= maxAnswer {
			e.answer, e.kept = a, true
			if hide { // a timer, so that it is gone though nobody asks again
				time.AfterFunc(SecretLasts, func() { s.hush(e) })
			}
		}
		close(e.done)
	}()
	return do()
}

// enter finds a key's entry or makes one.
func (s *Store) enter(key Key, request Request) (e *entry, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.old) > 0 && now.Sub(s.old[0].since) >= Lasts {
		s.forgetLocked(s.old[0])
	}
	if e := s.keys[key]; e != nil {
		return e, false
	}
	s.makeRoomLocked(key.Caller)
	e = &entry{key: key, request: request, since: now, done: make(chan struct{})}
	if s.keys == nil {
		s.keys = map[Key]*entry{}
	}
	s.keys[key] = e
	s.old = append(s.old, e)
	return e, true
}

func (s *Store) makeRoomLocked(caller string) {
	var oldest *entry
	n := 0
	for _, e := range s.old {
		if e.key.Caller == caller {
			if n++; oldest == nil {
				oldest = e
			}
		}
	}
	if n >= maxCaller {
		s.forgetLocked(oldest)
	}
	if len(s.old) >= maxKeys {
		s.forgetLocked(s.old[0])
	}
}

func (s *Store) told(e *entry) (a Answer, made, kept bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.answer, e.made, e.kept
}

// hush forgets what an answer said.
func (s *Store) hush(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.answer, e.kept = Answer{}, false
}

func (s *Store) forgetLocked(e *entry) {
	if s.keys[e.key] == e {
		delete(s.keys, e.key)
	}
	for i, o := range s.old {
		if o == e {
			s.old = append(s.old[:i], s.old[i+1:]...)
			return
		}
	}
}
