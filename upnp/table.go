package upnp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Entry is a row of the router's table: one port of the internet that it sends
// into the house, whoever asked for that.
type Entry struct {
	Protocol string // TCP or UDP
	External uint16
	// Remote is from where alone it may be used, in the router's words; empty
	// means from everywhere.
	Remote string
	// Internal is where it leads; its address is invalid when the router's word
	// for it is none.
	Internal    netip.AddrPort
	Enabled     bool
	Description string        // the maker's word, cleaned: at most 64 printable characters
	Lease       time.Duration // what is left; zero means without end, or not told
	Ours        bool          // this box made it, so that devices come home
	Kept        bool          // this box made it, because the owner wants it: see Forward
}

// Table is the router's table at one moment.
type Table struct {
	Router  Router
	Entries []Entry
	// Complete is false when the router stopped answering in the middle, or has
	// more than 256 entries.
	Complete bool
}

// The errors of Table and Close.
var (
	// ErrNoTable means that the router's table can't be read: only UPnP can.
	ErrNoTable = errors.New("the router does not tell which ports it has opened: look into its settings")
	ErrNoEntry = errors.New("the router has no such entry")
	// ErrOwnEntry means that the entry is homeward's own, by which devices come home.
	ErrOwnEntry = errors.New("this entry is how devices come home: it is closed by switching map_port off")
	// ErrKeptEntry means that the entry is one of the owner's forwards.
	ErrKeptEntry = errors.New("this entry is kept open: it would be back at once")
	ErrTold      = errors.New("the router refused")
)

const (
	maxTable    = 256
	tableBudget = 20 * time.Second
)

// job is something that the keeper's goroutine does between two steps, because a
// router is asked one thing at a time.
type job func(ctx context.Context, k *keeper)

// do has the keeper do f, and waits.
func (m *Mapper) do(ctx context.Context, f job) error {
	done := make(chan struct{})
	select {
	case m.jobs <- func(running context.Context, k *keeper) {
		defer close(done)
		both, cancel := context.WithTimeout(running, tableBudget)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		f(both, k)
	}:
	case <-ctx.Done():
		return fmt.Errorf("waiting for the port mapper: %w", ctx.Err())
	}
	<-done // bounded: f ends with either context
	return nil
}

// Table reads the router's table. It fails with ErrNoTable, or when ctx ends.
func (m *Mapper) Table(ctx context.Context) (Table, error) {
	var t Table
	var failure error
	err := m.do(ctx, func(ctx context.Context, k *keeper) { t, failure = k.table(ctx) })
	return t, errors.Join(err, failure)
}

// Close removes an entry of somebody else's. It fails with ErrNoEntry, ErrOwnEntry,
// ErrTold or ErrNoTable. Most routers let a machine remove only what leads to it.
func (m *Mapper) Close(ctx context.Context, protocol string, external uint16) error {
	var failure error
	err := m.do(ctx, func(ctx context.Context, k *keeper) { failure = k.closeEntry(ctx, protocol, external) })
	return errors.Join(err, failure)
}

// reader is who can read the table of the present router.
func (k *keeper) reader(ctx context.Context) (tableReader, error) {
	if !k.gw.Addr.IsValid() {
		return nil, fmt.Errorf("reading the router's table: %w", ErrNoGateway)
	}
	for range 2 {
		if r := k.knownReader(); r != nil {
			return r, nil
		}
		if k.session == nil {
			break
		}
		k.findWitness(ctx)
	}
	return nil, ErrNoTable
}

// knownReader is who can read the table, among those that answered; nil: nobody.
func (k *keeper) knownReader() tableReader {
	for _, s := range k.candidates {
		if w, ok := s.(*witnessed); ok && !w.gone {
			return w.witness
		}
		if r, ok := s.(tableReader); ok {
			return r
		}
	}
	return nil
}

// readTable reads the rows as the router has them.
func (k *keeper) readTable(ctx context.Context) (r tableReader, rows []row, complete bool, err error) {
	if r, err = k.reader(ctx); err != nil {
		return nil, nil, false, err
	}
	rows, complete, a := r.rows(hurried(ctx), maxTable)
	if len(rows) == 0 && !complete {
		err = fmt.Errorf("%w (%s)", ErrNoTable, a.problem)
	}
	return r, rows, complete, err
}

// shown is a row as people may see it.
func (k *keeper) shown(row row) Entry {
	w := k.want()
	return Entry{
		Protocol: strings.ToUpper(clean(row.protocol)), External: row.external, Remote: clean(row.remote),
		Internal: netip.AddrPortFrom(row.addr(), row.internal), Enabled: row.enabled,
		Description: clean(row.description), Lease: row.lease,
		Ours: strings.EqualFold(row.protocol, udp) && row.external == w.port && row.leadsTo(w) && k.mapping != nil,
		Kept: row.description == k.forwardDescription() && !k.leftover(row),
	}
}

func (k *keeper) table(ctx context.Context) (Table, error) {
	r, rows, complete, err := k.readTable(ctx)
	if err != nil {
		return Table{}, err
	}
	t := Table{Router: r.router(), Complete: complete}
	for _, row := range rows {
		t.Entries = append(t.Entries, k.shown(row))
	}
	slices.SortStableFunc(t.Entries, func(a, b Entry) int { return int(a.External) - int(b.External) })
	return t, nil
}

func (k *keeper) closeEntry(ctx context.Context, protocol string, external uint16) error {
	r, rows, _, err := k.readTable(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rows, func(r row) bool { return r.external == external && strings.EqualFold(r.protocol, protocol) })
	if i < 0 {
		return fmt.Errorf("closing %s %d: %w", strings.ToUpper(clean(protocol)), external, ErrNoEntry)
	}
	e := k.shown(rows[i])
	if e.Ours {
		return fmt.Errorf("closing %s %d: %w", e.Protocol, external, ErrOwnEntry)
	}
	if e.Kept {
		return fmt.Errorf("closing %s %d: %w", e.Protocol, external, ErrKeptEntry)
	}
	// In the router's very words: cleaned ones may name another row, or none.
	if a := r.deleteEntry(hurried(ctx), rows[i].remote, external, rows[i].protocol); !a.ok() {
		return fmt.Errorf("closing %s %d: %w (%s): remove the row “%s” to %v in the router's settings", e.Protocol, external, ErrTold, a.problem, e.Description, e.Internal)
	}
	k.m.log.Info("closed a port on the router", "protocol", e.Protocol, "port", external, "to", e.Internal)
	return nil
}
