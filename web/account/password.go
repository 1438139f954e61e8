package account

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
)

// Bounds of a password, in characters and in bytes.
const (
	MinPassword = 10
	MaxPassword = 256
)

// PasswordError says why a password was not accepted.
type PasswordError struct {
	Problem string // one sentence for a person

	format string // of Problem
	args   []any
}

// Source is the error as a format of package fmt and what goes into it, for who
// says it in another language.
func (e *PasswordError) Source() (format string, args []any) {
	return "the password " + e.format, e.args
}

func passwordErrorf(format string, args ...any) *PasswordError {
	return &PasswordError{fmt.Sprintf(format, args...), format, args}
}

// Error implements error.
func (e *PasswordError) Error() string { return "the password " + e.Problem }

func checkPassword(p string) error {
	distinct := map[rune]bool{}
	for _, r := range p {
		distinct[r] = true
	}
	switch {
	case !utf8.ValidString(p):
		return passwordErrorf("is not valid text")
	case utf8.RuneCountInString(p) < MinPassword:
		return passwordErrorf("is too short: %d characters are needed; three or four words do well", MinPassword)
	case len(p) > MaxPassword:
		return passwordErrorf("is too long: %d bytes are the limit", MaxPassword)
	case len(distinct) < 4:
		return passwordErrorf("repeats itself too much: use more than three different characters")
	case common(p):
		return passwordErrorf("is among those that are guessed first: choose another one")
	}
	return nil
}

// hashing is what a password costs: 19 MiB and two passes, the least that OWASP
// recommends. On a small board that is a tenth of a second.
var hashing = argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// A stored hash may cost up to this; one that asks for more is damaged.
const (
	maxMemoryKiB  = 64 * 1024
	maxIterations = 10
)

// waiting is how many may wait for the one that computes.
const waiting = 8

// hasher computes one hash at a time: each needs memory that a small board
// has once.
type hasher struct {
	queue chan struct{} // the one that computes and those who wait
	turn  chan struct{}
}

func newHasher() hasher {
	return hasher{make(chan struct{}, 1+waiting), make(chan struct{}, 1)}
}

// alone runs f when it is its turn. It fails with ErrBusy when the queue is full.
func (h hasher) alone(ctx context.Context, f func() error) error {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return ErrBusy
	}
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return f()
}

func (h hasher) hash(ctx context.Context, password string) (out string, err error) {
	err = h.alone(ctx, func() error {
		out, err = argon2id.CreateHash(password, &hashing)
		return err
	})
	return out, err
}

func (h hasher) matches(ctx context.Context, password, stored string) (ok bool, err error) {
	p, _, _, err := argon2id.DecodeHash(stored)
	if err != nil {
		return false, fmt.Errorf("reading the stored password: %w", err)
	}
	if p.Memory > maxMemoryKiB || p.Iterations > maxIterations || p.Parallelism != 1 {
		return false, errors.New("reading the stored password: its costs are not ours: set another one with 'homeward admin password'")
	}
	if len(password) > MaxPassword {
		return false, nil
	}
	err = h.alone(ctx, func() error {
		ok, err = argon2id.ComparePasswordAndHash(password, stored)
		return err
	})
	return ok, err
}
