package watch

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

const lookEvery = 5 * time.Second

// Config is what a Watcher looks at. All fields are required. None of the
// functions may wait.
type Config struct {
	Router   func() upnp.Status
	Joints   func() []api.Joint
	Calls    func(since time.Time) []tunnel.Call
	Arrivals func() tunnel.Arrivals
	Peers    func() []peers.Peer
	Former   func(wgtypes.Key) (peers.Former, bool)
	Last     func(history.Kind) (history.Event, bool) // of what was written down
	Publish  func(history.Event)
}

// Watcher tells what changed.
type Watcher struct {
	cfg     Config
	router  upnp.Status
	address netip.Addr           // the latest public one
	failed  map[string]time.Time // joints, since when
	alarmed map[string]bool      // of which that was told
	called  time.Time            // calls were looked at until then
	knocks  map[netip.Addr]uint64
}

// New makes a Watcher. It starts nothing.
func New(cfg Config) (*Watcher, error) {
	if cfg.Router == nil || cfg.Joints == nil || cfg.Calls == nil || cfg.Arrivals == nil || cfg.Peers == nil || cfg.Former == nil || cfg.Last == nil || cfg.Publish == nil {
		return nil, errors.New("watch: Config lacks a function")
	}
	w := &Watcher{cfg: cfg, failed: map[string]time.Time{}, alarmed: map[string]bool{}, knocks: map[netip.Addr]uint64{}}
	if e, ok := cfg.Last(history.AddressChanged); ok {
		w.address, _ = netip.ParseAddr(e.Detail) // what is none is as good as unknown
	}
	return w, nil
}

// Run watches until ctx ends. It returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	w.called = time.Now()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			w.look(now)
		}
	}
}

func (w *Watcher) look(now time.Time) {
	for _, f := range []func(time.Time) []history.Event{w.routerNews, w.alerts, w.refused} {
		for _, e := range f(now) {
			if e.At.IsZero() {
				e.At = now
			}
			w.cfg.Publish(e)
		}
	}
}
