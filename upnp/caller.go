package upnp

import (
	"context"
	"log/slog"
	"time"
)

// caller makes a session's SOAP calls.
type caller struct {
	log  *slog.Logger
	last time.Time // end of the last call
}

// call makes one SOAP call, at a distance from the last one, and says what came of it.
func (s *caller) call(ctx context.Context, action string, f func(context.Context) error) answer {
	if gap := callGap - time.Since(s.last); gap > 0 && ctx.Value(hurryKey{}) == nil {
		select {
		case <-ctx.Done():
			return answer{outcome: silent, problem: ctx.Err().Error()}
		case <-time.After(gap):
		}
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	ctx, tr := traced(ctx)
	err := f(ctx)
	s.last = time.Now()
	a := tr.answer(err)
	s.log.Debug("asked the router", "action", action, "outcome", a.outcome.String(), "problem", a.problem)
	return a
}

// hurried marks calls at start and at stop, which need not keep the distance that
// spares weak routers.
func hurried(ctx context.Context) context.Context {
	return context.WithValue(ctx, hurryKey{}, true)
}

type hurryKey struct{}
