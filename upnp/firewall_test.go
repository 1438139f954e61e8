package upnp

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// againstFirewall is a house whose only way in is IPv6.
func againstFirewall(r *routertest.Router) Config {
	return Config{SSDPPort: r.SSDPPort(), ControlPort: r.ControlPort(), Secret: testSecret,
		Gateway:  func() (Gateway, error) { return Gateway{}, ErrNoGateway },
		Gateway6: func() (Gateway, error) { return loop(r), nil }}
}

func sixOpen(s Status) bool { return s.IPv6.Verdict == Mapped }

// V1, V4, and the light of its own: IPv6 opens where IPv4 has no way.
func TestMapperOpensTheFirewallForIPv6(t *testing.T) {
	both := firewalled()
	both.PCP = true
	for name, tt := range map[string]struct {
		opt      routertest.Options
		via      string
		verified bool
	}{
		"PCP":  {routertest.Options{IPv6: true, NoUPnP: true, PCP: true}, "PCP", false},
		"UPnP": {firewalled(), "UPnP WANIPv6FirewallControl:1", true},
		"both": {both, "UPnP WANIPv6FirewallControl:1", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, tt.opt)
			start := time.Now()
			m, stop := running(t, againstFirewall(r))
			s := until(t, m, "opening", verdict(IPv6Only))
			if took := time.Since(start); took > atOnce {
				t.Errorf("took %v", took)
			}
			six := s.IPv6
			if six.Verdict != Mapped || six.Address.String() != "[::1]:41234" || six.Via != tt.via || six.Foreign ||
				six.VerifiedAt.IsZero() == tt.verified || six.GoodUntil.IsZero() || s.PlaceSince.IsZero() || s.Advice == "" {
				t.Errorf("%+v", s)
			}
			if table(r) != self6 {
				t.Errorf("openings %+v", r.Entries())
			}
			start = time.Now()
			stop()
			if table(r) != "" || time.Since(start) > releaseTime {
				t.Errorf("left %+v after %v", r.Entries(), time.Since(start))
			}
			if s := m.Status(); s.IPv6.Verdict != Disabled {
				t.Errorf("%+v", s.IPv6)
			}
		})
	}
}

// The two lights don't colour each other.
func TestTroubleOfOneFamilyIsNotTheOthers(t *testing.T) {
	t.Parallel()
	four, six := routertest.New(t, routertest.Options{}), routertest.New(t, firewalled())
	six.Always("AddPinhole", func(map[string]string) routertest.Reply { return routertest.Reply{Fault: 606} })
	c := against(four)
	m, err := New(Config{Port: testPort, Description: testDesc, SSDPPort: c.SSDPPort, Gateway: c.Gateway,
		Gateway6: func() (Gateway, error) { return loop(six), nil }})
	if err != nil {
		t.Fatal(err)
	}
	m.six.protocols = []protocol{&firewall{ssdpPort: six.SSDPPort(), log: slog.New(slog.DiscardHandler)}}
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { defer close(ended); m.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	s := until(t, m, "two lights", func(s Status) bool { return s.Verdict == Mapped && s.IPv6.Verdict == Refused })
	if s.IPv6.Address.IsValid() || s.IPv6.Advice == "" || s.Advice != "" {
		t.Errorf("%+v", s)
	}
}

func openFirewall(t *testing.T, r *routertest.Router) *firewallSession {
	t.Helper()
	p := &firewall{ssdpPort: r.SSDPPort(), log: slog.New(slog.DiscardHandler)}
	s, a := p.probe(hurried(t.Context()), loop(r))
	if !a.ok() {
		t.Fatalf("not found: %+v", a)
	}
	return s.(*firewallSession)
}

func want6() want {
	w := testWant()
	w.client = netip.MustParseAddr(self6)
	return w
}

// V2, V3 and section 1.7: what each answer of an IPv6 firewall means.
func TestFirewallAnswers(t *testing.T) {
	status := func(enabled, allowed string) routertest.Reply {
		return routertest.Reply{Body: `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:GetFirewallStatusResponse xmlns:u="urn:x">` +
			`<FirewallEnabled>` + enabled + `</FirewallEnabled><InboundPinholeAllowed>` + allowed + `</InboundPinholeAllowed></u:GetFirewallStatusResponse></s:Body></s:Envelope>`}
	}
	for name, tt := range map[string]struct {
		action  string
		reply   routertest.Reply
		want    outcome
		foreign bool // nothing of ours to renew or remove
		made    bool
	}{
		"no firewall":                    {"GetFirewallStatus", status("0", "0"), done, true, false},
		"FRITZ!Box without permission":   {"GetFirewallStatus", status("1", "0"), notAllowed, false, false},
		"status unknown":                 {"GetFirewallStatus", routertest.Reply{Fault: 401}, done, false, true},
		"702 firewall disabled":          {"AddPinhole", routertest.Reply{Fault: 702}, done, true, false},
		"703 not allowed":                {"AddPinhole", routertest.Reply{Fault: 703}, notAllowed, false, false},
		"606 from another address":       {"AddPinhole", routertest.Reply{Fault: 606}, notAllowed, false, false},
		"701 full":                       {"AddPinhole", routertest.Reply{Fault: 701}, tableFull, false, false},
		"708 wildcard":                   {"AddPinhole", routertest.Reply{Fault: 708}, badShape, false, false},
		"402 once, then the longest":     {"AddPinhole", routertest.Reply{Fault: 402}, done, false, true},
		"yes, and no such entry":         {"GetPinholePackets", routertest.Reply{Fault: 704}, notThere, false, true},
		"does not count":                 {"GetPinholePackets", routertest.Reply{Fault: 602}, done, false, true},
		"garbage":                        {"AddPinhole", routertest.Reply{Body: "<html>"}, broken, false, false},
		"another host's words in a name": {"GetFirewallStatus", routertest.Reply{Body: "<x>\x1b</x>"}, done, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, firewalled())
			s := openFirewall(t, r)
			r.Script(tt.action, tt.reply)
			g, a := s.add(hurried(t.Context()), want6())
			if a.outcome != tt.want || g.foreign != tt.foreign || (len(r.Entries()) == 1) != tt.made {
				t.Errorf("%+v, %+v; openings %+v", g, a, r.Entries())
			}
		})
	}
}

// V3: what we have is never told by its number alone. A router that starts anew
// gives the number to another host, whose opening must stay.
func TestNumberOfAnothersPinholeIsNotOurs(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, firewalled())
	ctx := hurried(t.Context())
	s := openFirewall(t, r)
	if _, a := s.add(ctx, want6()); !a.ok() || s.id != 1 {
		t.Fatalf("%+v, number %d", a, s.id)
	}
	r.Reassign("2a01:db8::40", 5000)
	if _, a := s.check(ctx, want6()); !a.ok() || s.id == 1 {
		t.Errorf("%+v, number %d", a, s.id)
	}
	if a := s.remove(ctx, want6()); !a.ok() || table(r) != "2a01:db8::40" {
		t.Errorf("%+v, openings %+v", a, r.Entries())
	}
	r.Reassign("2a01:db8::40", 5000)
	if a := s.remove(ctx, want6()); !a.ok() || table(r) != "2a01:db8::40" {
		t.Errorf("%+v, openings %+v", a, r.Entries())
	}
}

// miniupnp#600: a router that lets nobody delete is told to end it by its lease.
func TestPinholeThatCannotBeDeletedEndsByItsLease(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, firewalled())
	ctx := hurried(t.Context())
	s := openFirewall(t, r)
	if _, a := s.add(ctx, want6()); !a.ok() {
		t.Fatalf("%+v", a)
	}
	r.Script("DeletePinhole", routertest.Reply{Fault: 606})
	if a := s.remove(ctx, want6()); !a.ok() || len(r.Entries()) != 1 || r.Entries()[0].Lease != time.Second {
		t.Errorf("%+v, openings %+v", a, r.Entries())
	}
}

// V5, miniupnp#744: routers that can't make it twice are asked to lengthen it.
func TestPinholeThatCannotBeMadeTwiceIsLengthened(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, firewalled())
	ctx := hurried(t.Context())
	s := openFirewall(t, r)
	w := want6()
	if _, a := s.add(ctx, w); !a.ok() {
		t.Fatalf("%+v", a)
	}
	r.Always("AddPinhole", func(map[string]string) routertest.Reply { return routertest.Reply{Fault: 501} })
	w.held, w.lease = true, 2*time.Hour
	if g, a := s.add(ctx, w); !a.ok() || g.lease != w.lease || r.Entries()[0].Lease != w.lease {
		t.Errorf("%+v, %+v, openings %+v", g, a, r.Entries())
	}
	r.Clear()
	if _, a := s.add(ctx, w); a.outcome != failed {
		t.Errorf("an opening that isn't there was lengthened: %+v", a)
	}
}

// V7: the router's count is evidence, and only when it grows.
func TestPacketsThroughThePinholeAreEvidence(t *testing.T) {
	for name, counts := range map[string]bool{"counts": true, "says whether it works": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, firewalled())
			if !counts {
				r.Always("GetPinholePackets", func(map[string]string) routertest.Reply { return routertest.Reply{Fault: 401} })
			}
			ctx := hurried(t.Context())
			s := openFirewall(t, r)
			if _, a := s.add(ctx, want6()); !a.ok() {
				t.Fatalf("%+v", a)
			}
			if addr, a := s.external(ctx); !a.ok() || addr.String() != self6 || !s.trafficAt().IsZero() {
				t.Errorf("%v, %+v, traffic %v without a packet", addr, a, s.trafficAt())
			}
			r.Pass(3)
			if _, a := s.external(ctx); !a.ok() || s.trafficAt().IsZero() {
				t.Errorf("%+v, no traffic", a)
			}
			seen := s.trafficAt()
			if _, a := s.external(ctx); !a.ok() || counts && s.trafficAt() != seen {
				t.Errorf("%+v, traffic %v is the old one of %v", a, s.trafficAt(), seen)
			}
			r.Clear()
			if _, a := s.external(ctx); a.outcome != notThere {
				t.Errorf("%+v", a)
			}
		})
	}
}

// D13, S1: of a location by IPv6 only port and path count.
func TestLocationsByIPv6AreOnTheGateway(t *testing.T) {
	gw := netip.MustParseAddr("fe80::1%eth0")
	for raw, want := range map[string]string{
		"http://[fe80::1]:5000/d.xml":                    "http://[fe80::1%25eth0]:5000/d.xml",
		"http://[2a01:5ead:77::1]:5000/d.xml":            "http://[fe80::1%25eth0]:5000/d.xml",
		"http://[2a01:5ead:77::1]/d.xml":                 "http://[fe80::1%25eth0]:80/d.xml",
		"http://192.168.1.1:5000/d.xml":                  "",
		"http://[::ffff:127.0.0.1]:5000/d.xml":           "",
		"http://router.local:5000/d.xml":                 "",
		"http://[2a01:5ead:77::1]:22/d.xml":              "",
		"https://[2a01:5ead:77::1]:5000/d.xml":           "",
		"http://user:pass@[2a01:5ead:77::1]:5000/d.xml":  "",
		"http://[2a01:5ead:77::1%25lo]:5000/../../d.xml": "http://[fe80::1%25eth0]:5000/../../d.xml",
	} {
		u, err := pinnedURL(raw, gw)
		if err != nil {
			if want != "" {
				t.Errorf("%s: %v", raw, err)
			}
			continue
		}
		if u.String() != want {
			t.Errorf("%s became %s", raw, u)
		}
	}
}

// V1, miniupnp#600: temporary addresses are not the ones to be found by.
func TestLastingAddress(t *testing.T) {
	a := func(s string, fleeting bool) address6 { return address6{netip.MustParseAddr(s), fleeting} }
	for name, tt := range map[string]struct {
		addrs []address6
		want  string
	}{
		"none":                {nil, ""},
		"link-local only":     {[]address6{a("fe80::1", false)}, ""},
		"private only":        {[]address6{a("fd77::10", false)}, ""},
		"one":                 {[]address6{a("fe80::1", false), a("fd77::10", false), a("2a01::10", false)}, "2a01::10"},
		"temporary beside it": {[]address6{a("2a01::1", true), a("2a01::10", false)}, "2a01::10"},
		"temporary only":      {[]address6{a("2a01::1", true)}, ""},
		"the same in any order": {[]address6{a("2a01::20", false), a("2a01::10", false)},
			"2a01::10"},
	} {
		got, err := lasting(tt.addrs)
		if (err == nil) != (tt.want != "") || err == nil && got.String() != tt.want || err != nil && !errors.Is(err, ErrNoGateway) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// V6: the prefix changes; the old opening is forgotten and the new address told.
func TestAnotherIPv6AddressIsOpenedAnew(t *testing.T) {
	inBubble(t, func(w *world) {
		six := &memory{lease: time.Hour}
		gw := Gateway{Addr: netip.MustParseAddr("fe80::1%eth0"), Self: netip.MustParseAddr("2a01:5ead:77::10"), Interface: "eth0"}
		var changed func()
		w.m.six = &side{six: true, tell: w.m.tellIPv6, protocols: []protocol{six}, gateway: func() (Gateway, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return gw, nil
		}, hearRoutes: hearNothing(&changed)}
		w.start()
		first := w.until(func(s Status) bool { return s.Verdict == Mapped && sixOpen(s) })
		if first.IPv6.Address.String() != "[2a01:5ead:77::10]:41234" || first.External.String() != "81.2.69.2" {
			t.Errorf("%+v", first)
		}
		w.mu.Lock()
		gw.Self = netip.MustParseAddr("2a01:5ead:88::10")
		w.mu.Unlock()
		changed()
		start := time.Now()
		s := w.until(func(s Status) bool { return s.IPv6.Address.String() == "[2a01:5ead:88::10]:41234" })
		if took := time.Since(start); took > 2*time.Second || s.IPv6.Verdict != Mapped || s.Verdict != Mapped {
			t.Errorf("after %v: %+v", took, s)
		}
		six.mu.Lock()
		defer six.mu.Unlock()
		if six.last.client.String() != "2a01:5ead:88::10" || six.removed != 1 {
			t.Errorf("asked for %v, removed %d", six.last.client, six.removed)
		}
	})
}

// The verdict is IPv6 only where no setting of the router would help.
func TestVerdictIPv6Only(t *testing.T) {
	open := Pinhole{Verdict: Mapped, Address: netip.MustParseAddrPort("[2a01::10]:41234")}
	for v, want := range map[Verdict]Verdict{
		CarrierNAT: IPv6Only, NoWAN: IPv6Only, NoRouter: IPv6Only,
		Mapped: Mapped, PrivateWAN: PrivateWAN, Refused: Refused, NoIGD: NoIGD, Conflict: Conflict, Disabled: Disabled,
	} {
		if got := (Status{Verdict: v}).with(open); got.Verdict != want || (want == IPv6Only) != (got.Advice != "") {
			t.Errorf("%v becomes %v: %q", v, got.Verdict, got.Advice)
		}
		if got := (Status{Verdict: v}).with(Pinhole{Verdict: Refused}); got.Verdict != v {
			t.Errorf("%v becomes %v though nothing is open", v, got.Verdict)
		}
	}
}

// A firewall that is switched on later is opened then.
func TestFirewallThatIsSwitchedOnLater(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, firewalled())
	ctx := hurried(t.Context())
	s := openFirewall(t, r)
	off := routertest.Reply{Body: `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:GetFirewallStatusResponse xmlns:u="urn:x">` +
		`<FirewallEnabled>0</FirewallEnabled><InboundPinholeAllowed>0</InboundPinholeAllowed></u:GetFirewallStatusResponse></s:Body></s:Envelope>`}
	r.Script("GetFirewallStatus", off, off)
	if g, a := s.add(ctx, want6()); !a.ok() || !g.foreign {
		t.Fatalf("%+v, %+v", g, a)
	}
	if addr, a := s.external(ctx); !a.ok() || addr.String() != self6 {
		t.Errorf("%v, %+v", addr, a)
	}
	if _, a := s.external(ctx); a.outcome != notThere {
		t.Errorf("%+v", a)
	}
	if g, a := s.check(ctx, want6()); !a.ok() || g.foreign || table(r) != self6 {
		t.Errorf("%+v, %+v, openings %+v", g, a, r.Entries())
	}
}
