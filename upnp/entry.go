package upnp

import (
	"context"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
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
	return s.specific(ctx, udp, port)
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
	if e.proven(w) {
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

// proven reports whether the entry is a PCP mapping with a nonce of ours: miniupnpd
// puts the nonce into the description, as three numbers of the router's byte order.
// Whatever address it leads to was ours.
func (e entry) proven(w want) bool {
	if w.proof == nil || !strings.HasPrefix(e.description, "PCP") || !e.addr().IsValid() {
		return false
	}
	nonce := w.proof(e.addr())
	swapped := nonce
	for word := range slices.Chunk(swapped[:], 4) {
		slices.Reverse(word)
	}
	name := strings.ToLower(e.description)
	return strings.Contains(name, hex.EncodeToString(nonce[:])) || strings.Contains(name, hex.EncodeToString(swapped[:]))
}

func withHolder(a answer, e entry, w want) answer {
	a.holder = holder{
		client: e.addr(),
		name:   clean(e.description),
		former: e.addr() != w.client && (e.description == w.description || e.proven(w) || slices.Contains(w.former, e.addr())),
		ends:   e.lease,
	}
	return a
}
