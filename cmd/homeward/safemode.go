package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"homeward/cmd/homeward/internal/lifetime"
	"homeward/configs/state"
)

// A homeward that ends again and again shortly after its start takes the tunnel with
// it each time. Then it starts in safe mode: the tunnel alone, from the last-good file,
// as without a database. Nothing here asks the clock what time it is.
const (
	// failuresAllowed is how many starts in a row may end before they ran well until
	// the next one is in safe mode.
	failuresAllowed = 3
	// ranWell is how long one has to run for that. The watchdog ends one that hangs
	// long before.
	ranWell = 5 * time.Minute
	// A stay in safe mode doubles with each start that failed after one.
	shortestStay = 10 * time.Minute
	longestStay  = 6 * time.Hour
)

// crashLoop is why homeward is in safe mode.
type crashLoop struct{ state.Starts }

func (c crashLoop) Error() string {
	why := c.Why
	if why == "" {
		why = "it crashed or was killed, and its log may say more"
	}
	return fmt.Sprintf("homeward ended %d times in a row shortly after its start: %s", c.Failed, why)
}

// stay is how long the safe mode lasts.
func (c crashLoop) stay() time.Duration {
	stay := shortestStay
	for range c.Failed - failuresAllowed {
		stay = min(2*stay, longestStay)
	}
	return stay
}

func inMinutes(d time.Duration) string { return fmt.Sprintf("%d minutes", int(d/time.Minute)) }

// serveSafely runs homeward in safe mode if that is its turn.
func (b *box) serveSafely(ctx context.Context) (was bool, err error) {
	starts := state.ReadStarts(b.settings.StateDir)
	// One in safe mode that did not run well either is no better than the whole.
	if b.normally || starts.Version != version || starts.Failed < failuresAllowed || starts.Safe {
		return false, nil
	}
	st, err := state.OpenShelter(b.settings.StateDir)
	if err != nil {
		return false, nil // which a normal start finds out as well, and says
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	good, err := st.LastGood()
	if err != nil {
		return false, nil
	}
	b.harden(st)
	cause := crashLoop{starts}
	b.log.Error("starting in safe mode: devices come in as they did last, and nothing can be changed", "err", cause, "as_of", good.Written, "for", cause.stay())
	safe := starts
	safe.Safe = true
	b.noteStarts(st, safe)
	sh := &shelter{box: b, cause: cause, good: good, exit: newExit(nil, cause.stay())}
	err = sh.serve(ctx, st, b.wellAfter(st, starts))
	switch {
	case errors.Is(err, errTryAgain):
		b.noteStarts(st, starts)
	case wanted(ctx, err):
		b.noteStarts(st, state.Starts{}) // who stops it may have mended what was wrong
	}
	return true, err
}

// begin counts a normal start. The end has to be told to the function.
func (b *box) begin(st *state.State) (end func(context.Context, error)) {
	b.normally = false
	starts := st.Starts()
	if starts.Version != version {
		starts = state.Starts{Version: version}
	}
	starts.Failed, starts.Safe, starts.Why = starts.Failed+1, false, ""
	b.noteStarts(st, starts)
	return func(ctx context.Context, err error) {
		switch {
		case wanted(ctx, err):
			b.noteStarts(st, state.Starts{})
		case st.Starts() != state.Starts{}: // it had not run well yet
			starts.Why = strings.ToValidUTF8(err.Error(), "")
			b.noteStarts(st, starts)
		}
	}
}

// wanted says whether an end was asked for.
func wanted(ctx context.Context, err error) bool {
	return err == nil || ctx.Err() != nil || errors.Is(err, errRestored)
}

// wellAfter is the part that notes, after a while, that this start went well.
func (b *box) wellAfter(st *state.State, then state.Starts) lifetime.Part {
	return lifetime.Part{Name: "note of a good start", Run: func(ctx context.Context) error {
		select {
		case <-ctx.Done():
		case <-time.After(ranWell):
			b.noteStarts(st, then)
			<-ctx.Done()
		}
		return nil
	}}
}

// noteStarts writes them down where the disk allows it.
func (b *box) noteStarts(st *state.State, n state.Starts) {
	if err := st.SetStarts(n); err != nil {
		b.log.Warn("whether starts go well cannot be remembered", "err", err)
	}
}
