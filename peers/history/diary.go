package history

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"homeward/peers"
)

// Bounds of the diary.
const (
	maxEvents   = 5000
	eventsKept  = 90 * 24 * time.Hour
	repeatsIn   = 24 * time.Hour
	maxStranger = 20 // places a day of refused strangers that are written down one by one
)

// diary has all events in memory, so that reading and filtering never wait for
// the disk: they take about a megabyte at most. Its owner guards it.
type diary struct {
	events []Event        // by ID
	nextID int64          // of the next one
	dirty  map[int64]bool // not on the disk, or not as they are now
}

func newDiary(stored []Event) *diary {
	d := &diary{events: stored, nextID: 1, dirty: map[int64]bool{}}
	if n := len(stored); n > 0 {
		d.nextID = stored[n-1].ID + 1
	}
	return d
}

// add writes an event down, or counts it to one of the same day.
func (d *diary) add(e Event) Event {
	e = e.tidy()
	if e.Kind.repeats() {
		if e.byStranger() && d.strangers(e) >= maxStranger {
			e.Place = ""
			if e.Kind == DeviceRefused {
				e.Detail = ""
			}
		}
		if i := d.sameDay(e); i >= 0 {
			old := &d.events[i]
			old.Last, old.Count = e.At, old.Count+1
			d.dirty[old.ID] = true
			return *old
		}
	}
	e.ID = d.nextID
	d.nextID++
	d.events = append(d.events, e)
	d.dirty[e.ID] = true
	d.forget(len(d.events) - maxEvents)
	return e
}

// sameDay is the index of the event that e repeats, or -1.
func (d *diary) sameDay(e Event) int {
	for i := len(d.events) - 1; i >= 0; i-- {
		o := d.events[i]
		if e.At.Sub(o.At) >= repeatsIn {
			continue
		}
		if o.Kind == e.Kind && o.Peer == e.Peer && o.Cause == e.Cause && o.Place == e.Place && o.Detail == e.Detail {
			return i
		}
	}
	return -1
}

// strangers counts the other places from which strangers were refused lately.
func (d *diary) strangers(e Event) int {
	n := 0
	for i := len(d.events) - 1; i >= 0; i-- {
		o := d.events[i]
		if o.Kind != e.Kind || o.Peer != 0 || e.At.Sub(o.At) >= repeatsIn {
			continue
		}
		if o.Place == e.Place {
			return 0 // it is among them
		}
		n++
	}
	return n
}

// trim forgets what is too old. It is not for the time of an event: a clock may be
// wrong for a while after a start.
func (d *diary) trim(now time.Time) {
	old := 0
	for old < len(d.events) && now.Sub(d.events[old].Last) > eventsKept {
		old++
	}
	d.forget(old)
}

// forget forgets the first n events.
func (d *diary) forget(n int) {
	if n <= 0 {
		return
	}
	d.events = slices.Delete(d.events, 0, n)
	oldest := d.oldest()
	maps.DeleteFunc(d.dirty, func(id int64, _ bool) bool { return id < oldest })
}

// get returns an event as it is now.
func (d *diary) get(id int64) (Event, bool) {
	i, ok := slices.BinarySearchFunc(d.events, id, func(e Event, id int64) int { return cmp.Compare(e.ID, id) })
	if !ok {
		return Event{}, false
	}
	return d.events[i], true
}

// oldest is the smallest ID that is kept.
func (d *diary) oldest() int64 {
	if len(d.events) == 0 {
		return d.nextID
	}
	return d.events[0].ID
}

// unsaved returns what is not on the disk, by ID.
func (d *diary) unsaved() []Event {
	list := make([]Event, 0, len(d.dirty))
	for _, e := range d.events {
		if d.dirty[e.ID] {
			list = append(list, e)
		}
	}
	return list
}

// Filter chooses events. The zero value chooses the latest of all.
type Filter struct {
	Peer   peers.ID  // about this one only; zero: about anything
	House  bool      // with Peer: also what happened to the whole house, which may be why it could not come in
	Kinds  []Kind    // of these only; none: of any
	Actor  string    // done by this person only; empty: by anybody
	Before int64     // with a smaller ID; zero: the latest
	Since  time.Time // not before; zero: any time
	Limit  int       // at most as many; zero or too many: 100
}

const maxPage = 500

// actors are the people of whom something is kept, by name.
func (d *diary) actors() []string {
	var names []string
	for _, e := range d.events {
		if e.Actor != "" && !slices.Contains(names, e.Actor) {
			names = append(names, e.Actor)
		}
	}
	slices.Sort(names)
	return names
}

// find returns the chosen events, the latest first, and whether there are more.
func (d *diary) find(f Filter) (list []Event, more bool) {
	if f.Limit <= 0 || f.Limit > maxPage {
		f.Limit = 100
	}
	for i := len(d.events) - 1; i >= 0; i-- {
		e := d.events[i]
		switch {
		case f.Before != 0 && e.ID >= f.Before,
			f.Peer != 0 && e.Peer != f.Peer && !(f.House && e.House()),
			f.Actor != "" && e.Actor != f.Actor,
			len(f.Kinds) > 0 && !slices.Contains(f.Kinds, e.Kind),
			!f.Since.IsZero() && e.Last.Before(f.Since):
			continue
		}
		if len(list) == f.Limit {
			return list, true
		}
		list = append(list, e)
	}
	return list, false
}
