package watch

import (
	"net/netip"
	"time"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/tunnel"
)

// refusedAfter is how long somebody who calls must have had no answer.
const refusedAfter = 10 * time.Second

// refused tells who asked for a handshake in vain since the last look, and why.
// A key in such a message is only what the caller says; that is good enough for
// a diary, and nothing else follows from it.
func (w *Watcher) refused(now time.Time) (news []history.Event) {
	news = w.otherServer()
	since := w.called
	if now.Sub(since) < refusedAfter {
		return news
	}
	w.called = now
	for _, c := range w.cfg.Calls(since) {
		if c.Answers > 0 || c.Last.Before(since) {
			continue
		}
		e := history.Event{At: c.Last, Kind: history.DeviceRefused, Cause: "unknown-key", Place: history.Coarse(c.From.Addr())}
		if p, ok := w.peerOf(c); ok {
			if p.Enabled && p.State == peers.Active {
				continue // its answer is on its way, or it was let in meanwhile
			}
			e.Peer, e.Name, e.Cause = p.ID, string(p.Name), why(p)
		} else if f, ok := w.cfg.Former(c.Key); ok {
			e.Peer, e.Name, e.Cause = f.ID, string(f.Name), w.former(f)
		}
		news = append(news, e)
	}
	return news
}

func (w *Watcher) peerOf(c tunnel.Call) (peers.Peer, bool) {
	for _, p := range w.cfg.Peers() {
		if p.PublicKey == c.Key {
			return p, true
		}
	}
	return peers.Peer{}, false
}

func why(p peers.Peer) string {
	switch {
	case p.State == peers.Expired:
		return "expired"
	case !p.Enabled:
		return "disabled"
	}
	return "pending"
}

// former is what became of a key.
func (w *Watcher) former(f peers.Former) string {
	for _, p := range w.cfg.Peers() {
		if p.ID == f.ID {
			return "old-code"
		}
	}
	return "removed"
}

// otherServer tells of places that knock with another server's key.
func (w *Watcher) otherServer() (news []history.Event) {
	knocks := map[netip.Addr]uint64{}
	for _, s := range w.cfg.Arrivals().Sources {
		t := s.Classes[tunnel.WrongKey]
		if t.Count == 0 {
			continue
		}
		if knocks[s.Addr] = t.Count; t.Count != w.knocks[s.Addr] {
			news = append(news, history.Event{At: t.Last, Kind: history.DeviceRefused, Cause: "other-server", Place: history.Coarse(s.Addr)})
		}
	}
	w.knocks = knocks // what the tunnel forgot, we forget too
	return news
}
