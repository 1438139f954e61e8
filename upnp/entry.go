package upnp

import (
	"context"
	"net/netip"
	"time"
)

// entry is a row of the router's table.
type entry struct {
	external, internal uint16
	client             string
	enabled            bool
	description        string
	lease              time.Duration // remaining; zero: permanent, or not told
}

// row is an entry as the whole table tells it.
type row struct {
	entry
	remote, protocol string
}

func (s *igdSession) entry(ctx context.Context, port uint16) (entry, answer) {
	e := entry{external: port}
	a := s.call(ctx, "GetSpecificPortMappingEntry", func(ctx context.Context) error {
		var lease uint32
		var err error
		e.internal, e.client, e.enabled, e.description, lease, err =
			s.conn.GetSpecificPortMappingEntryCtx(ctx, anyHost, port, udp)
		e.lease = time.Duration(lease) * time.Second
		return err
	})
	return e, a
}

func (e entry) addr() netip.Addr {
	a, _ := netip.ParseAddr(e.client)
	return a
}

// leadsTo reports whether the entry does what we want, whoever made it.
func (e entry) leadsTo(w want) bool {
	return e.enabled && e.internal == w.port && e.addr() == w.client
}

// ours reports whether we made the entry: our description and an address of ours.
func (e entry) ours(w want) bool {
	if w.held && e.leadsTo(w) {
		return true
	}
	if e.description != w.description {
		return false
	}
	if e.addr() == w.client {
		return true
	}
	for _, f := range w.former {
		if e.addr() == f {
			return true
		}
	}
	return false
}

func withHolder(a answer, e entry, w want) answer {
	a.holder = holder{
		client: e.addr(),
		name:   clean(e.description),
		former: e.description == w.description && e.addr() != w.client,
		ends:   e.lease,
	}
	return a
}
