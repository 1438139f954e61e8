package upnp

import (
	"fmt"
	"net/netip"
	"time"
)

// Outer is a router in front of the home router.
type Outer struct {
	// Addr is where it is, or where it was looked for last.
	Addr netip.Addr
	// Name and Via are as in Router; empty while it doesn't answer.
	Name, Via string
	// Verdict is about the port on it, which leads to the home router.
	Verdict Verdict
	// VerifiedAt is when its entry was last read back; zero where it can't be asked.
	VerifiedAt time.Time
}

// secondRouter is the side of a router in front of the router. What it sends to the
// home router's outer address, that one sends on to us: so it is asked on the home
// router's behalf, through it. By PCP and UPnP the address is the home router's, whom
// such requests really come from as the second one sees it.
func (m *Mapper) secondRouter() *side {
	return &side{
		gateway: m.secondGateway,
		protocols: []protocol{
			&pcp{port: m.config.ControlPort, secret: m.config.Secret},
			&natpmp{port: m.config.ControlPort},
			&igd{ssdpPort: m.config.SSDPPort, log: m.log},
		},
		tell: m.tellSecond,
	}
}

// secondGateway is where the router in front of the router may be. Only private
// networks are looked at, and only once the home router has opened the port: a
// mapping that ends there would be of no use.
func (m *Mapper) secondGateway() (Gateway, error) {
	m.publishing.Lock()
	defer m.publishing.Unlock()
	s := m.four
	if s.Verdict != PrivateWAN || s.Mapping == nil || classify(s.WAN) != wanPrivate {
		return Gateway{}, fmt.Errorf("no second router: %w", ErrNoGateway)
	}
	if m.guess.wan != s.WAN {
		m.guess = guess{wan: s.WAN, list: guesses(s.WAN, s.Gateway), since: time.Now()}
	}
	if len(m.guess.list) == 0 {
		return Gateway{}, fmt.Errorf("no place for a second router: %w", ErrNoGateway)
	}
	return Gateway{Addr: m.guess.list[m.guess.at], Self: s.Gateway.Self, Interface: s.Gateway.Interface, As: s.WAN}, nil
}

// guess is where a second router may be.
type guess struct {
	wan   netip.Addr // what it was made from
	list  []netip.Addr
	at    int
	since time.Time // of at
}

// guessAgain is how long the last place is stayed with until the first is tried again.
const guessAgain = 10 * time.Minute

// next goes on to another place, as nobody answers at addr.
func (g *guess) next(addr netip.Addr, now time.Time) {
	switch {
	case len(g.list) == 0 || g.list[g.at] != addr: // that is old news
	case g.at+1 < len(g.list):
		g.at, g.since = g.at+1, now
	case now.Sub(g.since) >= guessAgain:
		g.at, g.since = 0, now
	}
}

// guesses are the addresses that a router has in a network where another one has the
// address wan: nearly always the first, sometimes the last.
func guesses(wan netip.Addr, near Gateway) []netip.Addr {
	var list []netip.Addr
	b := wan.As4()
	for _, last := range []byte{1, 254} {
		b[3] = last
		if a := netip.AddrFrom4(b); a != wan && a != near.Addr && a != near.Self {
			list = append(list, a)
		}
	}
	return list
}

// tellSecond publishes what is known of the second router. When nobody answers the
// next place is looked at.
func (m *Mapper) tellSecond(s Status) {
	m.publishing.Lock()
	defer m.publishing.Unlock()
	if s.Verdict == NoIGD {
		m.guess.next(s.Gateway.Addr, time.Now())
	}
	m.outer = s
	m.publish(m.status.Load().IPv6)
}

// behind joins in what is known of the router in front. With the port open on both
// of them the house is as reachable as behind one.
func (s Status) behind(o Status) Status {
	if s.Verdict != PrivateWAN || !o.Gateway.Addr.IsValid() || o.Gateway.As != s.WAN {
		return s
	}
	s.Outer = Outer{Addr: o.Gateway.Addr, Name: o.Router.Name, Via: o.Router.Via, Verdict: o.Verdict}
	if o.Verdict != Mapped || o.Mapping == nil || !o.External.IsValid() || s.Mapping == nil {
		s.Advice = secondAdvice(s)
		return s
	}
	s.Outer.VerifiedAt = o.Mapping.VerifiedAt
	both := *s.Mapping
	both.External = o.Mapping.External
	s.Verdict, s.External, s.Mapping, s.Problem, s.Advice = Mapped, o.External, &both, "", ""
	return s
}

// secondAdvice is what a person can do about a router in front of the router.
func secondAdvice(s Status) string {
	if s.Outer.Via == "" {
		return fmt.Sprintf("Your router gets a private address (%v): there is another box in front of it. Put that box in bridge mode, or forward UDP %d there to %v.", s.WAN, s.Port, s.WAN)
	}
	box := s.Outer.Addr.String()
	if s.Outer.Name != "" {
		box = s.Outer.Name + ", " + box
	}
	switch s.Outer.Verdict {
	case Refused:
		return fmt.Sprintf("Your router gets a private address (%v), and the box in front of it (%s) refused to open the port. Allow that there, put that box in bridge mode, or forward UDP %d there to %v.", s.WAN, box, s.Port, s.WAN)
	case Conflict:
		return fmt.Sprintf("Your router gets a private address (%v), and on the box in front of it (%s) UDP %d leads elsewhere. Change that there, or put that box in bridge mode.", s.WAN, box, s.Port)
	case PrivateWAN, CarrierNAT, NoWAN:
		return fmt.Sprintf("Your router gets a private address (%v), and so does the box in front of it (%s). Ask the provider for a public IPv4 address.", s.WAN, box)
	}
	return fmt.Sprintf("Your router gets a private address (%v) from another box (%s). Put that box in bridge mode, or forward UDP %d there to %v.", s.WAN, box, s.Port, s.WAN)
}
