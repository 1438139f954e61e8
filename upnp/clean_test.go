package upnp

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"homeward/upnp/routertest"
)

// memoryJournal is a journal that outlives the mapper, not the test.
type memoryJournal struct {
	mu    sync.Mutex // guards notes
	notes []Note
}

func (j *memoryJournal) Notes(context.Context) ([]Note, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.notes), nil
}

func (j *memoryJournal) Keep(_ context.Context, n Note) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = append(slices.DeleteFunc(j.notes, n.same), n)
	return nil
}

func (j *memoryJournal) Strike(_ context.Context, n Note) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = slices.DeleteFunc(j.notes, n.same)
	return nil
}

// After a crash everything of ours is taken from the router, whatever made it, and
// nothing of others'.
func TestCleanTakesEverythingOfOursFromTheRouter(t *testing.T) {
	for name, opt := range map[string]routertest.Options{
		"UPnP": {}, "PCP": {PCP: true, NoUPnP: true}, "NAT-PMP": {PMP: true, NoUPnP: true}, "all": {PCP: true, PMP: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := routertest.New(t, opt)
			c, j := against(r), &memoryJournal{}
			c.Journal = j
			m, stop := forwardRunning(t, c, web())
			until(t, m, "mapping", verdict(Mapped))
			if !opt.NoUPnP {
				forwarded(t, m, "open port", allIn(ForwardOpen))
			}
			crashed, notes := r.Entries(), slices.Clone(j.notes)
			stop()
			// As a crash would have left it.
			for _, e := range crashed {
				r.Put(e)
			}
			j.notes = notes
			r.Put(routertest.Entry{External: 3389, Internal: 3389, Protocol: "TCP", Client: "192.168.1.23", Description: "PC"})

			c.Port, c.Description = testPort, testDesc
			m, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Clean(t.Context()); err != nil {
				t.Error(err)
			}
			if left := r.Entries(); len(left) != 1 || left[0].External != 3389 {
				t.Errorf("left: %+v", left)
			}
			if len(j.notes) != 0 {
				t.Errorf("still noted: %+v", j.notes)
			}
		})
	}
}

func TestCleanSaysWhenTheRouterIsGone(t *testing.T) {
	r := routertest.New(t, routertest.Options{NoUPnP: true})
	c := against(r)
	c.Port, c.Description = testPort, testDesc
	c.Journal = &memoryJournal{notes: []Note{{Gateway: r.Addr(), Via: "PCP", Client: loop(r).Self, Port: testPort, Description: testDesc}}}
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Clean(t.Context()); !errors.Is(err, ErrLeft) {
		t.Errorf("%v", err)
	}
	if notes, _ := c.Journal.Notes(t.Context()); len(notes) != 1 {
		t.Error("the note is lost")
	}
}

// Without notes the table tells what is ours, also what somebody still wanted.
func TestCleanFindsOursInTheTableWithoutNotes(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	c := against(r)
	r.Put(routertest.Entry{External: testPort, Internal: testPort, Client: loop(r).Self.String(), Description: testDesc})
	r.Put(routertest.Entry{External: 8443, Internal: 443, Protocol: "TCP", Client: "192.168.1.23", Description: forwardDesc})
	r.Put(routertest.Entry{External: 3389, Internal: 3389, Protocol: "TCP", Client: "192.168.1.23", Description: "PC"})
	c.Port, c.Description = testPort, testDesc
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	m.SetForwards([]Forward{web()})
	if err := m.Clean(t.Context()); err != nil {
		t.Error(err)
	}
	if got := r.Entries(); len(got) != 1 || got[0].External != 3389 {
		t.Errorf("left: %+v", got)
	}
}

func TestCleanSaysWhenTheRouterKeepsSomething(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Put(routertest.Entry{External: testPort, Internal: testPort, Client: loop(r).Self.String(), Description: testDesc})
	r.Always("DeletePortMapping", func(map[string]string) routertest.Reply { return routertest.Reply{Fault: 606} })
	c := against(r)
	c.Port, c.Description = testPort, testDesc
	j := &memoryJournal{notes: []Note{{Gateway: r.Addr(), Via: "UPnP WANIPConnection:2", Client: loop(r).Self, Port: testPort, Description: testDesc}}}
	c.Journal = j
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Clean(t.Context()); !errors.Is(err, ErrLeft) {
		t.Errorf("%v", err)
	}
	if len(j.notes) != 1 {
		t.Error("the note is lost")
	}
}
