package history

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
)

// drop is some bytes that a peer sent at a time.
type drop struct {
	at time.Time
	Amount
}

// model is the slow and obvious history: every drop there was.
type model map[peers.ID][]drop

// bars adds up what is in each of a span's bars.
func (m model) bars(id peers.ID, span Span, now time.Time) []Bar {
	bars := span.bars(now)
	for _, d := range m[id] {
		for i := len(bars) - 1; i >= 0; i-- {
			if !d.at.Before(bars[i].From) {
				bars[i].Amount = bars[i].plus(d.Amount)
				break
			}
		}
	}
	return bars
}

func TestRandomHistoriesAddUpAsInASlowModel(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 5))
		w := newWorld(t)
		var list []peers.Peer
		for _, n := range []string{"anna", "bert", "carl"} {
			list = append(list, w.add(n))
		}
		kept, unsaved, counters := model{}, model{}, map[peers.ID]Amount{}
		tell := func(p peers.Peer) {
			c := counters[p.ID]
			w.dev.Observe(w.keyOf(p), peers.Observed{ReceivedBytes: c.Received, SentBytes: c.Sent})
		}
		save := func() {
			w.save()
			for id, d := range unsaved {
				kept[id] = append(kept[id], d...)
			}
			unsaved = model{}
		}
		crash := func() { // the device's counters begin anew as well
			unsaved = model{}
			for _, p := range list {
				counters[p.ID] = Amount{}
				tell(p)
			}
			w.restart()
		}
		for range 150 {
			i := rng.IntN(len(list))
			p := list[i]
			w.look() // so that what follows is of this interval
			switch n := rng.IntN(20); {
			case n < 10:
				a := Amount{rng.Uint64N(1 << 30), 1 + rng.Uint64N(1<<30)}
				counters[p.ID] = counters[p.ID].plus(a)
				tell(p)
				unsaved[p.ID] = append(unsaved[p.ID], drop{w.now, a})
				w.look()
			case n < 13:
				save()
			case n == 13: // the device began anew
				counters[p.ID] = Amount{}
				tell(p)
				w.look()
			case n == 14:
				cancelled, cancel := context.WithCancel(t.Context())
				cancel()
				if w.r.flush(cancelled) == nil && len(unsaved) > 0 {
					t.Fatal("a cancelled write succeeded")
				}
				save() // at most an hour is held
			case n == 15:
				crash()
			case n == 16: // another key, whose counters may be larger
				a := counters[p.ID].plus(Amount{rng.Uint64N(3) << 20, 5})
				w.keys[p.ID], counters[p.ID] = wgtypes.Key{1: byte(rng.Uint32()), 2: byte(rng.Uint32()), 3: 1}, a
				tell(p)
				unsaved[p.ID] = append(unsaved[p.ID], drop{w.now, a})
				w.look()
			case n == 17:
				if err := w.peers.Remove(t.Context(), p.ID); err != nil {
					t.Fatal(err)
				}
				delete(kept, p.ID)
				delete(unsaved, p.ID)
				w.look()
				if rng.IntN(2) == 0 {
					save()
				}
				list[i] = w.add(string(p.Name))
			default:
				if len(unsaved) > 0 {
					save()
				}
				w.now = w.now.Add(time.Duration(rng.Int64N(int64([]time.Duration{time.Minute, time.Hour, 24 * time.Hour}[rng.IntN(3)]))))
			}
			for _, p := range list {
				all := model{p.ID: append(slices.Clone(kept[p.ID]), unsaved[p.ID]...)}
				for _, span := range Spans() {
					got, err := w.r.Traffic(t.Context(), p.ID, span)
					if want := all.bars(p.ID, span, w.now); err != nil || !slices.Equal(got, want) {
						t.Fatalf("seed %d, %s of %s: %v\n got %v\nwant %v", seed, span, p.Name, err, got, want)
					}
				}
			}
		}
		save()
		gone := maps.Clone(kept)
		for _, p := range list {
			delete(gone, p.ID)
		}
		if len(gone) > 0 {
			t.Errorf("the model keeps %v", gone)
		}
		var left int
		if err := w.st.DB().QueryRow("SELECT count(*) FROM peer_traffic WHERE peer_id NOT IN (SELECT id FROM peers)").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d rows of removed devices are left, %v", left, err)
		}
	}
}
