package proven

import (
	"context"
	"database/sql"
	"net/netip"
	"slices"
	"sync"
	"time"

	"homeward/upnp"
)

// storeEvery is how much later a proof must be than the one of its kind and family that
// is stored to be written: devices prove the way in every two minutes.
const storeEvery = time.Hour

// Book keeps the proofs. It may be used by several goroutines at once.
type Book struct {
	store store

	mu      sync.Mutex // guards what follows; held over the database, which has one writer anyway
	place   upnp.Place
	stored  []upnp.Proof
	latest  []upnp.Proof // what is to be stored next
	earlier []upnp.Proof // of earlier runs, unless this one has better
}

// New reads what an earlier run kept.
func New(ctx context.Context, db *sql.DB) (*Book, error) {
	b := &Book{store: store{db}}
	var err error
	if b.place, b.stored, err = b.store.read(ctx); err != nil {
		return nil, err
	}
	b.latest, b.earlier = slices.Clone(b.stored), slices.Clone(b.stored)
	return b, nil
}

// At returns what earlier runs kept about this place and is not over yet: none where home
// was elsewhere then.
func (b *Book) At(place upnp.Place, now time.Time) []upnp.Proof {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.place.Same(place) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(b.earlier), func(p upnp.Proof) bool { return !p.Recent(now) })
}

// Note notes what proves the way in to a place now, of this run alone. What is kept of
// another place is forgotten once home is known to be here: this place has an address, or
// somebody came in.
func (b *Book) Note(ctx context.Context, place upnp.Place, proofs []upnp.Proof) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := slices.Clone(b.latest)
	moved := !b.place.Same(place)
	if moved {
		if !place.Address.IsValid() && len(proofs) == 0 {
			return nil // not seen to be anywhere
		}
		next, b.earlier = nil, nil
	}
	for _, p := range proofs {
		next = with(next, p.Keep())
		b.earlier = slices.DeleteFunc(b.earlier, p.Replaces)
	}
	b.latest = next
	if moved || b.due() {
		return b.writeLocked(ctx, place)
	}
	return nil
}

// Flush stores what is not written yet: at the end of a run.
func (b *Book) Flush(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.Equal(b.latest, b.stored) {
		return nil
	}
	return b.writeLocked(ctx, b.place)
}

func (b *Book) writeLocked(ctx context.Context, place upnp.Place) error {
	if err := b.store.write(ctx, place, b.latest); err != nil {
		return err
	}
	b.place, b.stored = place, slices.Clone(b.latest)
	return nil
}

// due reports whether something is worth to be written.
func (b *Book) due() bool {
	return slices.ContainsFunc(b.latest, func(p upnp.Proof) bool {
		i := slices.IndexFunc(b.stored, p.Replaces)
		return i < 0 || p.At.Sub(b.stored[i].At) >= storeEvery
	})
}

// with is a list with a proof in place of the earlier one of its kind and family.
func with(list []upnp.Proof, p upnp.Proof) []upnp.Proof {
	if i := slices.IndexFunc(list, p.Replaces); i < 0 {
		return append(list, p)
	} else if p.At.After(list[i].At) {
		list[i] = p
	}
	return list
}

// network reads a stored network; an empty or wrong one is none.
func network(s string) netip.Prefix {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}
	}
	return p.Masked()
}
