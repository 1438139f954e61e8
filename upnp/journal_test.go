package upnp

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// notebook is a journal in memory.
type notebook struct {
	mu    sync.Mutex
	notes []Note
	kept  int
	err   error
}

func (b *notebook) Notes(context.Context) ([]Note, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.notes), b.err
}

func (b *notebook) Keep(_ context.Context, n Note) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept++
	b.notes = append(slices.DeleteFunc(b.notes, n.same), n)
	return b.err
}

func (b *notebook) Strike(_ context.Context, n Note) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes = slices.DeleteFunc(b.notes, n.same)
	return b.err
}

func (b *notebook) all() []Note {
	list, _ := b.Notes(context.Background())
	return list
}

// noted is a world with a journal.
func noted(t *testing.T, notes []Note, f func(*world, *notebook)) {
	t.Helper()
	inBubble(t, func(w *world) {
		b := &notebook{notes: notes}
		w.m.config.Journal = b
		f(w, b)
	})
}

func TestNothingIsAskedThatIsNotNoted(t *testing.T) {
	noted(t, nil, func(w *world, b *notebook) {
		before := -1
		w.set(func(m *memory) { m.adding = func() { before = len(b.all()) } })
		w.start()
		w.until(verdict(Mapped))
		if before != 1 {
			t.Errorf("%d notes when the router was asked", before)
		}
		want := Note{Gateway: w.gw.Addr, Via: "memory", Client: w.gw.Self, Port: testPort, Description: testDesc}
		got := b.all()
		if len(got) != 1 || !got[0].same(want) || got[0].Description != testDesc || got[0].Until.Before(w.m.Status().Mapping.GoodUntil) {
			t.Errorf("noted %+v", got)
		}
		w.sleep(20 * time.Hour) // 40 renewals
		if b.kept > 3 {
			t.Errorf("written %d times", b.kept)
		}
		if got := b.all(); got[0].Until.Before(w.m.Status().Mapping.GoodUntil) {
			t.Errorf("the note ends at %v, the mapping at %v", got[0].Until, w.m.Status().Mapping.GoodUntil)
		}
		w.stop()
		if got := b.all(); len(got) != 0 {
			t.Errorf("left %+v", got)
		}
	})
}

func TestPermanentMappingIsNotedWithoutEnd(t *testing.T) {
	noted(t, nil, func(w *world, b *notebook) {
		w.set(func(m *memory) { m.lease = 0 })
		w.start()
		w.until(verdict(Mapped))
		if got := b.all(); len(got) != 1 || !got[0].Until.IsZero() {
			t.Errorf("noted %+v", got)
		}
	})
}

func TestRefusedRequestIsStruckOut(t *testing.T) {
	noted(t, nil, func(w *world, b *notebook) {
		w.set(func(m *memory) { m.addAnswer = answer{outcome: notAllowed} })
		w.start()
		w.until(verdict(Refused))
		if got := b.all(); len(got) != 0 {
			t.Errorf("left %+v", got)
		}
	})
	noted(t, nil, func(w *world, b *notebook) { // no answer: it may be there
		w.set(func(m *memory) { m.addAnswer = answer{outcome: silent} })
		w.start()
		w.until(verdict(RouterBroken))
		if got := b.all(); len(got) != 1 {
			t.Errorf("noted %+v", got)
		}
	})
}

// What a crashed run left is known: its protocol goes on, its address is ours, its
// other port is given back, and what is over or another's is left alone.
func TestCrashLeavesNothingUnknown(t *testing.T) {
	gw, self := netip.MustParseAddr("192.168.1.1"), netip.MustParseAddr("192.168.1.10")
	ours := Note{Gateway: gw, Via: "memory", Client: self, Port: testPort, Description: testDesc, Nonce: Nonce{7}}
	with := func(change func(*Note)) Note {
		n := ours
		change(&n)
		return n
	}
	moved := with(func(n *Note) { n.Client = netip.MustParseAddr("192.168.1.77") })
	port := with(func(n *Note) { n.Port, n.Nonce = 5000, Nonce{5} })
	over := with(func(n *Note) { n.Port, n.Until = 5001, time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) })
	other := with(func(n *Note) { n.Port, n.Description = 5002, "homeward-99999999" })
	away := with(func(n *Note) { n.Gateway, n.Port = netip.MustParseAddr("10.0.0.1"), 5003 })
	noted(t, []Note{ours, moved, port, over, other, away}, func(w *world, b *notebook) {
		w.start()
		w.until(verdict(Mapped))
		w.sleep(time.Second)
		seen := w.seen()
		if !slices.Equal(seen.last.former, []netip.Addr{moved.Client}) || seen.last.nonce != ours.Nonce {
			t.Errorf("asked %+v", seen.last)
		}
		if seen.removed != 1 || seen.lastRemoved.port != 5000 || seen.lastRemoved.nonce != port.Nonce {
			t.Errorf("removed %d, the last %+v", seen.removed, seen.lastRemoved)
		}
		for _, tt := range []struct {
			what string
			note Note
			left bool
		}{{"ours", ours, true}, {"former address", moved, false}, {"other port", port, false}, {"over", over, false},
			{"another instance's", other, true}, {"another router's", away, true}} {
			if left := slices.ContainsFunc(b.all(), tt.note.same); left != tt.left {
				t.Errorf("%s: noted %t", tt.what, left)
			}
		}
		w.stop()
		if slices.ContainsFunc(b.all(), ours.same) {
			t.Error("ours is noted after it was given back")
		}
	})
}

// One that the router didn't take back is not tried again and again, and not forgotten.
func TestWhatCannotBeGivenBackStaysNoted(t *testing.T) {
	old := Note{Gateway: netip.MustParseAddr("192.168.1.1"), Via: "memory", Client: netip.MustParseAddr("192.168.1.10"), Port: 5000, Description: testDesc}
	noted(t, []Note{old}, func(w *world, b *notebook) {
		w.set(func(m *memory) { m.refuseRemove = true })
		w.start()
		w.until(verdict(Mapped))
		w.sleep(3 * time.Hour)
		if n := w.seen().refused; n != 1 || !slices.ContainsFunc(b.all(), old.same) {
			t.Errorf("asked %d times; notes %+v", n, b.all())
		}
	})
}

func TestBrokenJournalStopsNothing(t *testing.T) {
	noted(t, nil, func(w *world, b *notebook) {
		b.err = errors.New("disk full")
		w.start()
		w.until(verdict(Mapped))
	})
}

// The protocol that a crashed run used is asked first, and takes over what it made.
func TestCrashedRunsProtocolGoesOn(t *testing.T) {
	noted(t, []Note{{Gateway: netip.MustParseAddr("192.168.1.1"), Via: "second", Client: netip.MustParseAddr("192.168.1.10"), Port: testPort, Description: testDesc}},
		func(w *world, b *notebook) {
			second := &memory{wan: w.router.wan, lease: time.Hour, via: "second"}
			w.m.protocols = append(w.m.protocols, second)
			w.start()
			s := w.until(verdict(Mapped))
			if s.Mapping.Via != "second" || w.seen().adds != 0 {
				t.Errorf("%+v; the other one was asked %d times", s.Mapping, w.seen().adds)
			}
			second.mu.Lock()
			second.probeAnswer, second.wanAnswer = answer{outcome: silent}, answer{outcome: silent}
			second.mu.Unlock()
			w.until(func(s Status) bool { return s.Mapping != nil && s.Mapping.Via == "memory" })
			if got := b.all(); len(got) != 2 {
				t.Errorf("notes %+v", got)
			}
		})
}
