// Package lifetime runs the long-lived parts of a program: it starts them in
// order and stops them in reverse, so that a later part can rely on an earlier
// one until its own end.
package lifetime

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Part is one long-lived part of the program.
type Part struct {
	Name string
	// Run works until ctx ends, cleans up and returns. An error, or an end
	// that nobody asked for, stops all parts.
	Run func(ctx context.Context) error
	// Ready, if not nil, is closed when the next part may start.
	Ready <-chan struct{}
}

// ErrHangs says that a part did not end in time.
var ErrHangs = errors.New("did not stop in time")

// Run runs parts until ctx ends or one of them does. Each part may take up to
// grace to stop; one that takes longer is named in the error, wrapped around
// ErrHangs, and left behind.
func Run(ctx context.Context, grace time.Duration, parts ...Part) error {
	ended := make(chan result, len(parts))
	var running []*running
	var failure error
start:
	for _, p := range parts {
		r := launch(ctx, p, ended)
		running = append(running, r)
		select {
		case <-ready(p):
		case e := <-ended:
			failure = e.failure(ctx)
			break start
		case <-ctx.Done():
			break start
		}
	}
	if failure == nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case e := <-ended:
			failure = e.failure(ctx)
		}
	}
	errs := []error{failure}
	for i := len(running) - 1; i >= 0; i-- {
		errs = append(errs, running[i].stop(grace))
	}
	return errors.Join(errs...)
}

// ready returns p.Ready, or a closed channel for a part without one.
func ready(p Part) <-chan struct{} {
	if p.Ready != nil {
		return p.Ready
	}
	c := make(chan struct{})
	close(c)
	return c
}

type result struct {
	name string
	err  error
}

// failure is why all parts stop: the part's error, or that it ended unasked.
func (r result) failure(ctx context.Context) error {
	switch {
	case r.err != nil:
		return r.err
	case ctx.Err() == nil:
		return fmt.Errorf("running the %s: it ended by itself", r.name)
	}
	return nil
}

type running struct {
	part   Part
	cancel context.CancelFunc
	done   chan struct{}
	err    error // set before done is closed
}

// launch gives the part a context of its own: it must outlive ctx until its
// turn to stop comes.
func launch(ctx context.Context, p Part, ended chan<- result) *running {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{part: p, cancel: cancel, done: make(chan struct{})}
	go func() {
		r.err = p.Run(own)
		close(r.done)
		ended <- result{p.Name, r.err}
	}()
	return r
}

func (r *running) stop(grace time.Duration) error {
	select {
	case <-r.done: // its error is the failure already, or was wanted
		r.cancel()
		return nil
	default:
	}
	r.cancel()
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-r.done:
		if r.err != nil {
			return fmt.Errorf("stopping the %s: %w", r.part.Name, r.err)
		}
		return nil
	case <-t.C:
		return fmt.Errorf("stopping the %s: %w (%v)", r.part.Name, ErrHangs, grace)
	}
}
