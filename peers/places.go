package peers

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// A key that is used from two places in turns is in two devices: WireGuard has
// one endpoint for each key, the one that sent last, so that two devices take it
// from each other again and again. A single one that moves, even at the edge of
// its Wi-Fi, seldom goes back and forth so often.
const (
	placesEvery  = 10 * time.Second // the devices' keepalive is 25 s
	manyTurns    = 8                // within turnsWithin, all between the same two places
	turnsWithin  = 5 * time.Minute
	placesRemain = 24 * time.Hour // so that somebody sees it
)

// places watches from where keys are used. Its methods may be called from any goroutine.
type places struct {
	mu    sync.Mutex // guards the fields that follow
	keys  map[wgtypes.Key]*track
	found map[wgtypes.Key]twoPlaces
}

// track is where a key was used lately.
type track struct {
	here, before netip.Addr  // the two places; before is invalid until it moved
	turns        []time.Time // the latest moves between these two
}

type twoPlaces struct {
	places []netip.Addr
	last   time.Time
}

// look takes what is observed now and returns the keys of which it is new that
// they are in two places.
func (w *places) look(now time.Time, observed map[wgtypes.Key]Observed) (news []wgtypes.Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.keys == nil {
		w.keys, w.found = make(map[wgtypes.Key]*track), make(map[wgtypes.Key]twoPlaces)
	}
	gone := func(k wgtypes.Key) bool { _, there := observed[k]; return !there }
	maps.DeleteFunc(w.keys, func(k wgtypes.Key, _ *track) bool { return gone(k) })
	maps.DeleteFunc(w.found, func(k wgtypes.Key, f twoPlaces) bool { return gone(k) || now.Sub(f.last) > placesRemain })
	for k, o := range observed {
		if !o.Endpoint.IsValid() {
			continue
		}
		t := w.keys[k]
		if t == nil {
			t = &track{}
			w.keys[k] = t
		}
		if !t.move(o.Endpoint.Addr().Unmap(), now) {
			continue
		}
		if _, known := w.found[k]; !known {
			news = append(news, k)
		}
		both := []netip.Addr{t.here, t.before}
		slices.SortFunc(both, netip.Addr.Compare)
		w.found[k] = twoPlaces{both, now}
	}
	return news
}

// move reports whether the key has just gone back and forth too often.
func (t *track) move(to netip.Addr, now time.Time) bool {
	switch to {
	case t.here:
		return false
	case t.before:
		t.turns = append(t.turns, now)
		if len(t.turns) > manyTurns {
			t.turns = t.turns[1:]
		}
	default:
		t.turns = nil
	}
	t.here, t.before = to, t.here
	return len(t.turns) == manyTurns && now.Sub(t.turns[0]) <= turnsWithin
}

// of returns the two places of a key, or nil.
func (w *places) of(k wgtypes.Key) []netip.Addr {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.found[k].places)
}
