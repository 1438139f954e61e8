package upnp

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"
)

// The pace of stirring. Each time costs the router four requests and a few lines in
// its log, so it is seldom, until it has been of use.
const (
	stirEvery = 5 * time.Minute
	stirOften = lookEvery      // for a while after the rules were found gone
	stirFor   = 24 * time.Hour // that long
	stirLease = 10 * time.Second
)

// stirring is for a router that reads its own rules only after it has written one
// (miniupnpd with nftables, 2.3.1). When its firewall is loaded anew it goes on
// showing our entry from memory, and asked for it again only lengthens the lease.
// Another entry, made and removed at once, makes it look; ours stays as it is.
type stirring struct {
	needed bool      // the router is of that kind
	last   time.Time // when it was done
	soon   bool      // something happened that comes with a firewall loaded anew
	often  time.Time // until then it is done often
}

// answersFromMemory reports a router that may need stirring, by what it says of itself.
// Which firewall it uses it doesn't say.
func answersFromMemory(server string) bool { return strings.Contains(server, "MiniUPnPd/") }

// due is false at the first look, before which the entry was made.
func (s *stirring) due(now time.Time) bool {
	if s.last.IsZero() {
		s.last = now
	}
	pace := stirEvery
	if now.Before(s.often) {
		pace = stirOften
	}
	return s.needed && (s.soon || now.Sub(s.last) >= pace)
}

// stir makes the router look at its rules, and reports whether it has. The entry for
// that is on a port that nobody has, leads to the same door as ours, and ends by
// itself in seconds if it can't be removed.
func (s *igdSession) stir(ctx context.Context, w want) bool {
	s.stirring.last, s.stirring.soon = time.Now(), false
	port := 20000 + uint16(rand.N(41000))
	if _, a := s.entry(ctx, port); a.outcome != notThere || port == w.port {
		return false // next time another one
	}
	a := s.call(ctx, "AddPortMapping", func(ctx context.Context) error {
		return s.conn.AddPortMappingCtx(ctx, anyHost, port, udp, w.port, w.client.String(), true,
			w.description, uint32(stirLease/time.Second))
	})
	if a.certain() {
		return false
	}
	ctx, cancel := context.WithTimeout(hurried(context.WithoutCancel(ctx)), releaseTime)
	defer cancel()
	s.deletePortMapping(ctx, port)
	return a.ok()
}
