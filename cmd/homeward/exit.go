package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errTryAgain ends a shelter so that homeward starts normally.
var errTryAgain = errors.New("starting normally again")

// How often it is looked whether what sheltered homeward is over.
const (
	firstLook = 5 * time.Second
	lastLook  = 5 * time.Minute
)

// exit is the way out of a shelter: by itself when the time has come, and at once when
// somebody asks for it.
type exit struct {
	try   func(context.Context) error // says whether a normal start would go well; nil: nobody knows
	after time.Duration               // until it is taken, or tried, by itself; zero: never
	// alone keeps what must not happen meanwhile from happening; nil: nothing has to be.
	alone func(do func() error) error

	one  sync.Mutex // tries one at a time
	done chan struct{}
	once sync.Once // closes done
}

func newExit(try func(context.Context) error, after time.Duration) *exit {
	return &exit{try: try, after: after, done: make(chan struct{})}
}

// Leave makes homeward start normally, or says why that would not go well.
func (e *exit) Leave(ctx context.Context) error {
	e.one.Lock()
	defer e.one.Unlock()
	leave := func() error {
		if e.try != nil {
			if err := e.try(ctx); err != nil {
				return err
			}
		}
		e.once.Do(func() { close(e.done) })
		return nil
	}
	if e.alone != nil {
		return e.alone(leave)
	}
	return leave()
}

// left says whether homeward is about to start normally.
func (e *exit) left() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// Run returns errTryAgain as soon as the way out was taken, or nil when ctx ends.
func (e *exit) Run(ctx context.Context) error {
	for wait := e.after; ; wait = min(2*wait, lastLook) {
		var soon <-chan time.Time
		if wait > 0 {
			soon = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-e.done:
			return errTryAgain
		case <-soon:
			_ = e.Leave(ctx) // the same as before, or the way is open
		}
	}
}
