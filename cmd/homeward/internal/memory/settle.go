package memory

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	// startUp is how long starting takes.
	startUp = 8 * time.Second
	// unused is how long nobody uses a thing until it is forgotten.
	unused = 10 * time.Minute
)

// Settle gives memory back that only starting up needed: what forget forgets, what is
// free, and the program's pages, which the kernel brings back when they are used again.
// Later it does so whenever there is something that nobody has used for a while, such
// as the texts of the page. forget says whether there was some. It returns when ctx ends.
func Settle(forget func(while time.Duration) bool) func(ctx context.Context) error {
	return settler{forget, func() {
		debug.FreeOSMemory()
		releaseProgram()
	}}.run
}

type settler struct {
	forget   func(while time.Duration) bool
	giveBack func()
}

func (s settler) run(ctx context.Context) error {
	next := time.NewTimer(startUp)
	defer next.Stop()
	for while := time.Duration(0); ; while = unused {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		if some := s.forget(while); some || while == 0 {
			s.giveBack()
		}
		next.Reset(unused)
	}
}
