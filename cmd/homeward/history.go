package main

import (
	"context"
	"log/slog"
	"net/netip"

	"homeward/cmd/homeward/internal/watch"
	"homeward/peers/history"
	"homeward/tunnel"
)

// Who does something: whoever is logged in to the page, or is on the box.
const (
	onThePage = "page"
	onTheBox  = "box"
)

// makeHistory makes what writes down what happens, and what notices it.
func (a *appliance) makeHistory(ctx context.Context) error {
	var err error
	a.history, err = history.New(ctx, history.Config{
		DB: a.state.DB(), Peers: a.peers.List, Stream: &a.events, Version: version, Now: a.clock.Now, Logger: a.log,
		Home: func(from netip.Addr) bool { return insider{a.router().WAN, a.networks.Load().home}.has(from) },
	})
	if err != nil {
		return err
	}
	a.watcher, err = watch.New(watch.Config{
		Router: a.router, Joints: a.joints,
		Calls: a.tunnel.Calls, Arrivals: func() tunnel.Arrivals { return a.tunnel.Status().Arrivals },
		Peers: a.peers.List, Former: a.peers.Former, Last: a.history.Last, Publish: a.events.Publish,
	})
	return err
}

// logEvents says in the log what no part says itself.
func (a *appliance) logEvents(ctx context.Context) error {
	happened := a.events.Subscribe(64)
	defer happened.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-happened.C:
			level := slog.LevelInfo
			switch e.Kind {
			case history.Alert:
				level = slog.LevelWarn
			case history.DeviceRefused: // strangers can cause them
				level = slog.LevelDebug
			case history.DeviceFirst, history.DeviceBack, history.AlertOver, history.Updated:
			default:
				continue
			}
			a.log.Log(ctx, level, "something happened", "kind", string(e.Kind), "peer", int64(e.Peer), "name", e.Name, "cause", e.Cause, "place", e.Place, "detail", e.Detail)
		}
	}
}
