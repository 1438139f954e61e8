package update

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// ErrUnhealthy says that the new version did not do its work as well as the old
// one, which has been put back.
var ErrUnhealthy = errors.New("the new version does not work as well as the old one, which is back")

// Health is what counts of a running homeward.
type Health struct {
	Version string
	Peers   int             // that are known
	Works   map[string]bool // by joint of the way home: whether it works
}

// Appliance is the running homeward, or none.
type Appliance interface {
	// Health asks it; an error means that nobody answers.
	Health(ctx context.Context) (Health, error)
	// Restart ends it, so that the service manager starts what is installed.
	Restart(ctx context.Context) error
	// Rewind takes back what a newer version did to the database since then.
	Rewind(ctx context.Context, since time.Time) error
}

// DefaultPatience is how long a new version may take to be as well as the old
// one: the router has to be found again, and some take their time.
const DefaultPatience = 90 * time.Second

// Install fetches the program, swaps it in and, if homeward runs, restarts it.
// When the new one is not as well as the old one was, the old one comes back.
func (o Offer) Install(ctx context.Context, a Appliance) error {
	before, err := a.Health(ctx)
	running := err == nil
	staged, err := o.Fetch(ctx)
	if err != nil {
		return err
	}
	if err := Swap(o.cfg.Target, staged); err != nil {
		return errors.Join(err, os.Remove(staged))
	}
	if !running {
		return nil
	}
	began := time.Now()
	wanted := before
	wanted.Version = o.Version
	why := o.settle(ctx, a, wanted, nil)
	if why == nil {
		return nil
	}
	// The way back is gone to its end, even if somebody lost patience.
	ctx = context.WithoutCancel(ctx)
	if err := Back(o.cfg.Target); err != nil {
		return errors.Join(why, err)
	}
	rewind := func(ctx context.Context) error { return a.Rewind(ctx, began) }
	if err := o.settle(ctx, a, before, rewind); err != nil {
		return fmt.Errorf("the old program is back but does not run: %w; the new one failed: %w", err, why)
	}
	return fmt.Errorf("%w: %w", ErrUnhealthy, why)
}

// settle restarts homeward, does what has to be done meanwhile, and waits until
// it is as well as wanted.
func (o Offer) settle(ctx context.Context, a Appliance, wanted Health, meanwhile func(context.Context) error) error {
	if err := a.Restart(ctx); err != nil {
		return fmt.Errorf("restarting: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(o.cfg.Patience, DefaultPatience))
	defer cancel()
	if meanwhile != nil {
		if err := meanwhile(ctx); err != nil {
			return err
		}
	}
	poll := time.NewTicker(500 * time.Millisecond)
	defer poll.Stop()
	for {
		now, err := a.Health(ctx)
		if err == nil {
			err = wanted.missing(now)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-poll.C:
		}
	}
}

// missing says what now lacks.
func (h Health) missing(now Health) error {
	switch {
	case now.Version != h.Version:
		return fmt.Errorf("version %s answers instead of %s", now.Version, h.Version)
	case now.Peers != h.Peers:
		return fmt.Errorf("it knows %d devices, there were %d", now.Peers, h.Peers)
	}
	for joint, worked := range h.Works {
		// A device comes from outside when it likes: that proves nothing so early.
		if worked && !now.Works[joint] && joint != "outside" && joint != "home" {
			return fmt.Errorf("the %s worked before and does not now", joint)
		}
	}
	return nil
}
