package upnp

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"
)

const (
	// hintEvery is the least time between two questions that announcements cause,
	// however many come: they may be forged.
	hintEvery = 30 * time.Second
	// hintSpread is the longest random wait before such a question. A router that
	// has just started is asked by the whole house at once (RFC 6887 section 8.5).
	hintSpread = 5 * time.Second
	// settleTime is how long the kernel's routes may still change after news of a
	// change: a DHCP client removes the address before it adds the next one.
	settleTime = time.Second
)

// ears hear of changes before the time comes to ask for them. The goroutines end
// with close, or before it with the context.
type ears struct {
	announced, rerouted chan struct{} // 1-buffered
	routes              sync.WaitGroup
	deaf                func() // stops listening to the present gateway
	unsubscribe         func() // ends the subscription to its events
}

func newEars() *ears {
	return &ears{announced: make(chan struct{}, 1), rerouted: make(chan struct{}, 1), deaf: func() {}, unsubscribe: func() {}}
}

// note leaves a message unless there is one.
func note(c chan struct{}) func() {
	return func() {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// watch listens to the kernel until ctx ends.
func (e *ears) watch(ctx context.Context, s *side, log *slog.Logger) {
	if s.hearRoutes == nil {
		return
	}
	e.routes.Go(func() {
		if err := s.hearRoutes(ctx, note(e.rerouted)); err != nil {
			log.Info("noticing changes of the network only every few seconds", "err", err)
		}
	})
}

// listen listens to another gateway than before.
func (e *ears) listen(ctx context.Context, s *side, gw Gateway, log *slog.Logger) {
	e.unsubscribe()
	e.deaf()
	e.deaf, e.unsubscribe = func() {}, func() {}
	if s.hearRouter == nil || !gw.Addr.IsValid() || gw.Addr.IsLoopback() {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := s.hearRouter(ctx, gw, note(e.announced)); err != nil {
			log.Debug("not hearing the router", "gateway", gw.Addr, "err", err)
		}
	})
	e.deaf = func() { cancel(); wait.Wait() }
}

// subscribe listens to the events of a service, and of no other one any more.
func (e *ears) subscribe(ctx context.Context, s *side, gw Gateway, service *url.URL, turn turn, log *slog.Logger) {
	e.unsubscribe()
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := s.hearEvents(ctx, gw, service, turn, note(e.announced)); err != nil {
			log.Debug("hearing no events of the router", "gateway", gw.Addr, "err", err)
		}
	})
	e.unsubscribe = func() { cancel(); wait.Wait() }
}

// close waits for the goroutines; the context of watch has ended.
func (e *ears) close() {
	e.unsubscribe()
	e.deaf()
	e.routes.Wait()
}

// hearEvents subscribes to the events of what was just found, where it offers any.
func (k *keeper) hearEvents() {
	if k.side.hearEvents == nil {
		return
	}
	for _, c := range k.candidates {
		if s, ok := c.(*igdSession); ok && s.events != nil {
			k.ears.subscribe(k.stopping, k.side, k.gw, s.events, k.m.turn, k.m.log)
			return
		}
	}
}

// rerouted looks at the routes soon.
func (k *keeper) rerouted() {
	k.nextRoute = earliest(k.nextRoute, time.Now().Add(settleTime))
}

// announced asks the router soon what became of it, and of the mapping: one that
// restarts twice within a minute has an epoch that looks like the old one. That
// is done every half minute at most.
func (k *keeper) announced() {
	at := time.Now().Add(rand.N(hintSpread))
	if again := k.hintedAt.Add(hintEvery); at.Before(again) {
		at = again
	}
	if k.held() {
		if at.Before(k.nextAddress) {
			k.nextAddress, k.nextCheck, k.hintedAt = at, earliest(k.nextCheck, at), at
		}
	} else if k.failures > 0 && at.Before(k.nextTry) {
		k.nextTry, k.hintedAt = at, at
	}
}
