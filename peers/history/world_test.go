package history

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/peerstest"
)

// world is a recorder over real peers and a device and a clock that the test moves.
type world struct {
	t      *testing.T
	st     *state.State
	dev    *peerstest.Device
	peers  *peers.Manager
	stream *Stream
	now    time.Time
	r      *Recorder
	keys   map[peers.ID]wgtypes.Key // of those that were given another one
}

var quiet = slog.New(slog.DiscardHandler)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dev: peerstest.NewDevice(), keys: map[peers.ID]wgtypes.Key{}, now: time.Date(2026, 3, 3, 10, 0, 0, 0, time.Local)}
	var err error
	if w.st, err = state.Open(t.Context(), t.TempDir(), quiet); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.st.Close() })
	w.peers, err = peers.New(t.Context(), peers.Config{DB: w.st.DB(), Device: w.dev, Logger: quiet, Now: w.clock, Facts: func() peers.Facts {
		return peers.Facts{PublicKey: wgtypes.Key{1}, Endpoint: &peers.Endpoint{Host: "home.example.org", Port: 51820, Source: peers.EndpointOperator},
			MTU: 1412, Tunnel: []netip.Prefix{netip.MustParsePrefix("10.6.0.1/16"), netip.MustParsePrefix("fd00:6::1/64")}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.restart()
	return w
}

func (w *world) clock() time.Time { return w.now }

// restart makes a new recorder, as after a crash.
func (w *world) restart() {
	w.t.Helper()
	var err error
	w.stream = &Stream{}
	w.r, err = New(w.t.Context(), Config{DB: w.st.DB(), Peers: w.list, Stream: w.stream, Version: "1.0", Now: w.clock, Logger: quiet,
		Home: netip.MustParsePrefix("192.168.1.0/24").Contains})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) add(name string) peers.Peer {
	w.t.Helper()
	i, err := w.peers.Create(w.t.Context(), peers.NewPeer{Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return i.Peer
}

// look looks and takes in what that told.
func (w *world) look() (due bool) {
	due = w.r.look()
	w.r.drain()
	return due
}

func (w *world) save() {
	w.t.Helper()
	if err := w.r.flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// list is what the recorder is shown.
func (w *world) list() []peers.Peer {
	list := w.peers.List()
	for i, p := range list {
		if k, ok := w.keys[p.ID]; ok {
			list[i].PublicKey, list[i].Observed = k, w.dev.Observed()[k]
		}
	}
	return list
}

// keyOf is the key that the peer has now.
func (w *world) keyOf(p peers.Peer) wgtypes.Key {
	if k, ok := w.keys[p.ID]; ok {
		return k
	}
	return p.PublicKey
}

// seen has the device say that the peer was here just now.
func (w *world) seen(p peers.Peer, from string, received, sent uint64) {
	w.t.Helper()
	w.dev.Observe(w.keyOf(p), peers.Observed{Endpoint: netip.MustParseAddrPort(from), LastHandshake: w.now, ReceivedBytes: received, SentBytes: sent})
	w.look()
}

func (w *world) sum(p peers.Peer, span Span) Amount {
	w.t.Helper()
	bars, err := w.r.Traffic(context.Background(), p.ID, span)
	if err != nil {
		w.t.Fatal(err)
	}
	return Sum(bars)
}

func (w *world) rows(table string) (n int) {
	w.t.Helper()
	if err := w.st.DB().QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}
