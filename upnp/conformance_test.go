package upnp

import (
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// contender is a protocol in the suite that all of them pass.
type contender struct {
	name   string
	opt    routertest.Options
	via    string
	probe  func(*routertest.Router) protocol
	mapped string // the request that makes a mapping, for scripts
	refuse int    // the code for "not allowed"

	self, wan string // our address, and the one by which the internet reaches us
}

func (c contender) want() want {
	w := testWant()
	w.client = netip.MustParseAddr(c.self)
	return w
}

// soap reports whether the protocol is one of UPnP's.
func (c contender) soap() bool { return strings.HasPrefix(c.via, "UPnP") }

// six reports whether it opens the firewall for IPv6.
func (c contender) six() bool { return c.opt.IPv6 }

var testSecret = []byte("sixteen bytes and more")

func contenders() []contender {
	return []contender{
		{"PCP", routertest.Options{NoUPnP: true, PCP: true}, "PCP",
			func(r *routertest.Router) protocol { return &pcp{port: r.ControlPort(), secret: testSecret} }, routertest.PCPMap, 2, self, "81.2.69.2"},
		{"NAT-PMP", routertest.Options{NoUPnP: true, PMP: true}, "NAT-PMP",
			func(r *routertest.Router) protocol { return &natpmp{port: r.ControlPort()} }, routertest.PMPMap, 2, self, "81.2.69.2"},
		{"UPnP", routertest.Options{}, "UPnP WANIPConnection:2",
			func(r *routertest.Router) protocol {
				return &igd{ssdpPort: r.SSDPPort(), log: slog.New(slog.DiscardHandler)}
			}, "AddPortMapping", 606, self, "81.2.69.2"},
		{"PCP for IPv6", routertest.Options{IPv6: true, NoUPnP: true, PCP: true}, "PCP",
			func(r *routertest.Router) protocol { return &pcp{port: r.ControlPort(), secret: testSecret} }, routertest.PCPMap, 2, self6, self6},
		{"UPnP for IPv6", firewalled(), "UPnP WANIPv6FirewallControl:1",
			func(r *routertest.Router) protocol {
				return &firewall{ssdpPort: r.SSDPPort(), log: slog.New(slog.DiscardHandler)}
			}, "AddPinhole", 606, self6, self6},
	}
}

// firewalled is a router whose IPv6 firewall can be opened by UPnP.
func firewalled() routertest.Options {
	return routertest.Options{IPv6: true, Services: []routertest.Service{{Type: "WANIPConnection:2"}, {Type: "WANIPv6FirewallControl:1"}}}
}

// reply refuses by a code in the protocol's own way.
func (c contender) reply(code int) routertest.Reply {
	if c.soap() {
		return routertest.Reply{Fault: code}
	}
	return routertest.Reply{Code: code}
}

func (c contender) open(t *testing.T, r *routertest.Router) session {
	t.Helper()
	s, a := c.probe(r).probe(hurried(t.Context()), loop(r))
	if !a.ok() {
		t.Fatalf("not found: %+v", a)
	}
	return s
}

// conform runs a fact about every protocol.
func conform(t *testing.T, fact func(t *testing.T, c contender, r *routertest.Router)) {
	t.Helper()
	for _, c := range contenders() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fact(t, c, routertest.New(t, c.opt))
		})
	}
}

func table(r *routertest.Router) string {
	var b strings.Builder
	for _, e := range r.Entries() {
		b.WriteString(e.Client + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestEveryProtocolMapsRenewsAndRemoves(t *testing.T) {
	conform(t, func(t *testing.T, c contender, r *routertest.Router) {
		ctx := hurried(t.Context())
		s := c.open(t, r)
		if s.router().Via != c.via {
			t.Errorf("via %q", s.router().Via)
		}
		for range 3 { // asking again changes nothing
			g, a := s.add(ctx, c.want())
			if !a.ok() || g.lease != time.Hour || g.foreign {
				t.Fatalf("%+v, %+v", g, a)
			}
			if list := r.Entries(); len(list) != 1 || list[0].External != testPort || list[0].Internal != testPort ||
				list[0].Client != c.self || list[0].Lease != time.Hour {
				t.Fatalf("table %+v", list)
			}
			if addr, a := s.external(ctx); !a.ok() || addr.String() != c.wan {
				t.Errorf("%v, %+v", addr, a)
			}
			if _, a := s.check(ctx, c.want()); !a.ok() {
				t.Errorf("%+v", a)
			}
		}
		for range 2 {
			if a := s.remove(ctx, c.want()); !a.ok() || table(r) != "" {
				t.Errorf("%+v, left %q", a, table(r))
			}
		}
	})
}

func TestEveryProtocolTakesOverWhatACrashedRunMade(t *testing.T) {
	conform(t, func(t *testing.T, c contender, r *routertest.Router) {
		ctx := hurried(t.Context())
		if _, a := c.open(t, r).add(ctx, c.want()); !a.ok() {
			t.Fatalf("%+v", a)
		}
		s := c.open(t, r) // another run
		if _, a := s.add(ctx, c.want()); !a.ok() || table(r) != c.self {
			t.Errorf("%+v, table %q", a, table(r))
		}
		if a := s.remove(ctx, c.want()); !a.ok() || table(r) != "" {
			t.Errorf("%+v, left %q", a, table(r))
		}
	})
}

func TestNoProtocolTakesAnothersPort(t *testing.T) {
	conform(t, func(t *testing.T, c contender, r *routertest.Router) {
		if c.six() {
			return // there, every host has all ports of its own
		}
		ctx := hurried(t.Context())
		r.Put(routertest.Entry{External: testPort, Internal: 5000, Client: "127.0.0.40", Description: "old nas"})
		s := c.open(t, r)
		for range 3 {
			if g, a := s.add(ctx, c.want()); a.outcome != conflict {
				t.Errorf("%+v, %+v", g, a)
			}
			if table(r) != "127.0.0.40" { // also what was granted instead is given back
				t.Errorf("table %+v", r.Entries())
			}
		}
		s.remove(ctx, c.want())
		if table(r) != "127.0.0.40" {
			t.Errorf("table %+v", r.Entries())
		}
	})
}

func TestEveryProtocolSaysWhenItIsRefused(t *testing.T) {
	conform(t, func(t *testing.T, c contender, r *routertest.Router) {
		ctx := hurried(t.Context())
		s := c.open(t, r)
		r.Script(c.mapped, c.reply(c.refuse))
		if g, a := s.add(ctx, c.want()); a.outcome != notAllowed || a.problem == "" || table(r) != "" {
			t.Errorf("%+v, %+v; table %q", g, a, table(r))
		}
		if _, a := s.add(ctx, c.want()); !a.ok() { // it was allowed meanwhile
			t.Errorf("%+v", a)
		}
	})
}

func TestEveryProtocolNoticesARestart(t *testing.T) {
	conform(t, func(t *testing.T, c contender, r *routertest.Router) {
		ctx := hurried(t.Context())
		s := c.open(t, r)
		if _, a := s.add(ctx, c.want()); !a.ok() {
			t.Fatalf("%+v", a)
		}
		if _, a := s.external(ctx); !a.ok() { // negative control
			t.Fatalf("a restart that wasn't: %+v", a)
		}
		r.Restart()
		if _, a := s.external(ctx); a.outcome != notThere && a.outcome != moved {
			t.Errorf("%+v", a)
		}
		if c.soap() {
			return // it is to be found anew
		}
		if _, a := s.external(ctx); a.outcome != notThere {
			t.Errorf("forgotten before the mapping was made anew: %+v", a)
		}
		if _, a := s.add(ctx, c.want()); !a.ok() || table(r) != c.self {
			t.Errorf("%+v, table %q", a, table(r))
		}
		if _, a := s.external(ctx); !a.ok() {
			t.Errorf("%+v", a)
		}
	})
}

func TestEveryProtocolUsesTheLeaseItGets(t *testing.T) {
	conform(t, func(t *testing.T, c contender, r *routertest.Router) {
		ctx := hurried(t.Context())
		w := c.want()
		s := c.open(t, r)
		if c.soap() {
			w.lease = time.Minute
		} else {
			r.Always(c.mapped, func(map[string]string) routertest.Reply { return routertest.Reply{Lifetime: 60} })
		}
		if g, a := s.add(ctx, w); !a.ok() || g.lease != time.Minute {
			t.Errorf("%+v, %+v", g, a)
		}
	})
}

func TestNoProtocolWaitsLong(t *testing.T) {
	conform(t, func(t *testing.T, c contender, r *routertest.Router) {
		s := c.open(t, r)
		drop := func(map[string]string) routertest.Reply { return routertest.Reply{Drop: true, Delay: time.Hour} }
		for _, name := range []string{routertest.PCPAnnounce, routertest.PCPMap, routertest.PMPExternal, routertest.PMPMap,
			routertest.Search, "AddPortMapping", "GetExternalIPAddress", "GetSpecificPortMappingEntry",
			"GetFirewallStatus", "AddPinhole", "GetPinholePackets"} {
			r.Always(name, drop)
		}
		for what, ask := range map[string]func(context.Context) answer{
			"probe":    func(ctx context.Context) answer { _, a := c.probe(r).probe(ctx, loop(r)); return a },
			"external": func(ctx context.Context) answer { _, a := s.external(ctx); return a },
			"add":      func(ctx context.Context) answer { _, a := s.add(ctx, c.want()); return a },
		} {
			start := time.Now()
			if a := ask(hurried(t.Context())); a.outcome != silent || time.Since(start) > callTime+2*time.Second {
				t.Errorf("%s: %+v after %v", what, a, time.Since(start))
			}
			ctx, cancel := context.WithTimeout(hurried(t.Context()), 100*time.Millisecond)
			start = time.Now()
			if a := ask(ctx); a.ok() || time.Since(start) > atOnce {
				t.Errorf("%s went on for %v after its context's end: %+v", what, time.Since(start), a)
			}
			cancel()
		}
	})
}

// The mapper as a whole, with one protocol on the router.
func TestMapperWorksByEachProtocolAlone(t *testing.T) {
	conform(t, func(t *testing.T, c contender, r *routertest.Router) {
		if c.six() {
			return // see TestMapperOpensTheFirewallForIPv6
		}
		start := time.Now()
		m, stop := running(t, against(r))
		s := until(t, m, "mapping", verdict(Mapped))
		if took := time.Since(start); took > atOnce {
			t.Errorf("took %v", took)
		}
		if s.Router.Via != c.via || s.Mapping.Via != c.via || s.External.String() != "81.2.69.2" ||
			s.Mapping.External.String() != "81.2.69.2:41234" || s.Mapping.VerifiedAt.IsZero() != (c.name != "UPnP") {
			t.Errorf("%+v, %+v", s, s.Mapping)
		}
		if table(r) != c.self {
			t.Errorf("table %q", table(r))
		}
		start = time.Now()
		stop()
		if table(r) != "" || time.Since(start) > releaseTime {
			t.Errorf("left %q after %v", table(r), time.Since(start))
		}
	})
}
