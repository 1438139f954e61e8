package peers

import (
	"errors"
	"fmt"
	"strings"
)

// The errors that callers act on. ErrNameTaken and ErrKeyTaken come wrapped in
// a FieldError.
var (
	ErrNotFound     = errors.New("there is no such device")
	ErrConflict     = errors.New("it was changed by somebody else meanwhile: look at it as it is now, and change it again")
	ErrNameTaken    = errors.New("the name is taken")
	ErrKeyTaken     = errors.New("the public key is taken")
	ErrNoAddress    = errors.New("no address is free in the tunnel")
	ErrNoEndpoint   = errors.New("the address of home is not known yet: open the router's port, or say in the settings where home is")
	ErrForgotten    = errors.New("the config was forgotten after the hand-over time: make a new code, the old one works until that is used")
	ErrOutdated     = errors.New("the code that is kept says what is no longer so: make a new code, the old one works until that is used")
	ErrInvite       = errors.New("this link has been used, has ended, or never was one: ask for another")
	ErrNoPrivateKey = errors.New("the device keeps its own private key, so there is no complete config to scan: use the text and add the key on the device")
	ErrTooLong      = errors.New("the config is too long for a code that phones can scan: use the file")
	// ErrNotApplied means that a change is stored but that the device refused
	// it, so that a peer who should be out may still be in. Run keeps trying.
	ErrNotApplied = errors.New("the change is saved, but the tunnel has not taken it yet")
)

// FieldError says which value of a request is wrong and how to put it right.
type FieldError struct {
	Field   string // as in the API: name, profile, public_key, expires …
	Problem string // one sentence for a person
	Err     error  // the sentinel behind it, or nil

	format string // of Problem
	args   []any
}

// Source is the problem as a format of package fmt and what goes into it, for who
// says it in another language.
func (e *FieldError) Source() (format string, args []any) {
	if e.format == "" {
		return strings.ReplaceAll(e.Problem, "%", "%%"), nil
	}
	return e.format, e.args
}

// Error implements error.
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// Unwrap gives errors.Is the sentinel behind e.
func (e *FieldError) Unwrap() error { return e.Err }

// NewFieldError makes the error of a field whose problem is a format of package fmt
// and what goes into it.
func NewFieldError(field, format string, args ...any) *FieldError {
	return fieldErrorf(field, format, args...)
}

func fieldErrorf(field, format string, args ...any) *FieldError {
	return &FieldError{Field: field, Problem: fmt.Sprintf(format, args...), format: format, args: args}
}

func nameTaken(n Name) *FieldError {
	e := fieldErrorf("name", "another device is already called %q: choose a different name", n)
	e.Err = ErrNameTaken
	return e
}

func keyTakenError() *FieldError {
	e := fieldErrorf("public_key", "another device already has this key, or this one has it: make a new one on the device")
	e.Err = ErrKeyTaken
	return e
}
