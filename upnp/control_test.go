package upnp

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// controlContenders are the two protocols of UDP port 5351.
func controlContenders() []contender { return contenders()[:2] }

// otherAddr is a machine of the LAN that isn't the gateway.
var otherAddr = netip.MustParseAddr("127.0.0.3")

// T51, U09: the kernel and the parser keep out what isn't the answer to our question.
func TestControlAnswersThatAreNotForUsAreIgnored(t *testing.T) {
	// What belongs to another request: NAT-PMP about another port, PCP about
	// another nonce, both as grants and as refusals.
	pmpOther := "\x00\x81\x00\x00\x00\x00\x00\x10\x00\x07\x00\x07\x00\x00\x0e\x10"
	pmpRefusal := "\x00\x81\x00\x02\x00\x00\x00\x10\x00\x07\x00\x00\x00\x00\x00\x00"
	pcpOther := "\x02\x81\x00\x00\x00\x00\x0e\x10" + strings.Repeat("\x00", 16) + strings.Repeat("n", 12) +
		"\x11\x00\x00\x00\xa1\x12\xa1\x12" + strings.Repeat("\x00", 16)
	pcpRefusal := strings.Replace(pcpOther, "\x02\x81\x00\x00", "\x02\x81\x00\x02", 1)
	stray := append(routertest.Garbage(), pmpOther, pmpRefusal, pcpOther, pcpRefusal)
	for _, c := range controlContenders() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, c.opt)
			s := c.open(t, r)
			r.Script(c.mapped, routertest.Reply{Before: stray, Twice: true})
			if g, a := s.add(t.Context(), testWant()); !a.ok() || g.lease != time.Hour {
				t.Errorf("%+v, %+v", g, a)
			}
			// The second copy of the answer found no reader: the next request gets its own.
			if a := s.remove(t.Context(), testWant()); !a.ok() || table(r) != "" {
				t.Errorf("%+v, left %q", a, table(r))
			}
		})
	}
}

func TestControlAnswersThatAreWrongCountAsSilence(t *testing.T) {
	for name, reply := range map[string]routertest.Reply{
		"from another address":      {From: otherAddr},
		"from another port":         {From: netip.MustParseAddr("127.0.0.2")},
		"of a version from nowhere": {Version: 9},
		"truncated":                 {Cut: 6},
		"truncated within":          {Cut: 15},
		"oversize":                  {Pad: 1200},
		"not a number of words":     {Pad: 1},
		"nonce of another mapping":  {WrongNonce: true},
	} {
		for _, c := range controlContenders() {
			if c.name == "NAT-PMP" && (reply.WrongNonce || reply.Pad == 1) {
				continue // it has no nonce and no such rule
			}
			t.Run(c.name+" "+name, func(t *testing.T) {
				t.Parallel()
				r := routertest.New(t, c.opt)
				s := c.open(t, r)
				r.Always(c.mapped, func(map[string]string) routertest.Reply { return reply })
				g, a := s.add(t.Context(), testWant())
				if a.outcome != silent || r.Calls(c.mapped) != len(controlRounds) {
					t.Errorf("%+v, %+v after %d packets", g, a, r.Calls(c.mapped))
				}
			})
		}
	}
}

// D3, T52: a Wi-Fi that loses packets.
func TestControlRequestsAreRepeatedUntilAnswered(t *testing.T) {
	for _, c := range controlContenders() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, c.opt)
			s := c.open(t, r)
			lost := routertest.Reply{Drop: true}
			r.Script(c.mapped, lost, lost, lost)
			start := time.Now()
			if _, a := s.add(t.Context(), testWant()); !a.ok() || r.Calls(c.mapped) != 4 {
				t.Errorf("%+v after %d packets", a, r.Calls(c.mapped))
			}
			if took, want := time.Since(start), controlRounds[3]; took < want || took > want+5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// Huawei's closed port, or a router whose server is just starting.
func TestControlPortThatIsClosedIsNoticedAtOnce(t *testing.T) {
	for _, c := range controlContenders() {
		r := routertest.New(t, c.opt)
		s := c.open(t, r)
		r.StopControl()
		start := time.Now()
		if _, a := s.external(t.Context()); a.outcome != moved || time.Since(start) > atOnce {
			t.Errorf("%s: %+v after %v", c.name, a, time.Since(start))
		}
		if _, a := c.probe(r).probe(t.Context(), loop(r)); a.outcome != moved {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
}

// D2: each server's way to say that it doesn't speak the other protocol.
func TestControlVersionsAreToldApart(t *testing.T) {
	for name, tt := range map[string]struct {
		opt      routertest.Options
		pcp, pmp outcome
	}{
		"both":         {routertest.Options{PCP: true, PMP: true}, done, done},
		"NAT-PMP only": {routertest.Options{PMP: true}, unsupported, done},
		"PCP only":     {routertest.Options{PCP: true}, done, unsupported},
	} {
		r := routertest.New(t, tt.opt)
		start := time.Now()
		_, a := (&pcp{port: r.ControlPort(), secret: testSecret}).probe(t.Context(), loop(r))
		_, b := (&natpmp{port: r.ControlPort()}).probe(t.Context(), loop(r))
		if a.outcome != tt.pcp || b.outcome != tt.pmp || time.Since(start) > atOnce {
			t.Errorf("%s: PCP %+v, NAT-PMP %+v after %v", name, a, b, time.Since(start))
		}
	}
}

// T37 for PCP and NAT-PMP.
func TestControlGrantsThatWeDidNotAskForAreGivenBack(t *testing.T) {
	for _, c := range controlContenders() {
		for name, reply := range map[string]routertest.Reply{"another port": {Port: 50000}, "port zero": {}} {
			t.Run(c.name+" "+name, func(t *testing.T) {
				t.Parallel()
				r := routertest.New(t, c.opt)
				s := c.open(t, r)
				if reply.Port == 0 {
					reply.Body = grantOfPortZero(c, s)
				}
				r.Script(c.mapped, reply)
				if g, a := s.add(t.Context(), testWant()); a.outcome != conflict {
					t.Errorf("%+v, %+v", g, a)
				}
				if table(r) != "" || r.Calls(c.mapped) != 2 {
					t.Errorf("left %+v after %d packets", r.Entries(), r.Calls(c.mapped))
				}
			})
		}
	}
}

func grantOfPortZero(c contender, s session) string {
	if c.name == "NAT-PMP" {
		return "\x00\x81\x00\x00\x00\x00\x0e\x10\xa1\x12\x00\x00\x00\x00\x0e\x10"
	}
	n := s.(*pcpSession).nonce(testWant())
	return "\x02\x81\x00\x00\x00\x00\x0e\x10\x00\x00\x0e\x10" + strings.Repeat("\x00", 12) + string(n[:]) +
		"\x11\x00\x00\x00\xa1\x12\x00\x00" + strings.Repeat("\x00", 16)
}

// Every result code has one meaning.
func TestControlResultCodes(t *testing.T) {
	for _, tt := range []struct {
		c    contender
		want []outcome // by code
	}{
		{contenders()[0], []outcome{done, unsupported, notAllowed, badShape, unsupported, unsupported, badShape, failed,
			tableFull, unsupported, tableFull, notAllowed, behindNAT, badShape, broken}},
		{contenders()[1], []outcome{done, unsupported, notAllowed, failed, tableFull, unsupported, broken}},
	} {
		for code, want := range tt.want {
			r := routertest.New(t, tt.c.opt)
			s := tt.c.open(t, r)
			r.Always(tt.c.mapped, func(map[string]string) routertest.Reply { return routertest.Reply{Code: code} })
			if g, a := s.add(t.Context(), testWant()); a.outcome != want || a.code != code {
				t.Errorf("%s %d: %+v, %+v", tt.c.name, code, g, a)
			}
		}
	}
}

// PCP 5: a server that doesn't know PREFER_FAILURE is asked without it from then on.
func TestPCPWithoutPreferFailure(t *testing.T) {
	c := contenders()[0]
	r := routertest.New(t, c.opt)
	s := c.open(t, r)
	r.Always(c.mapped, func(args map[string]string) routertest.Reply {
		if args["exactly"] == "true" {
			return routertest.Reply{Code: 5}
		}
		return routertest.Reply{}
	})
	for i, packets := range []int{2, 3} {
		if _, a := s.add(t.Context(), testWant()); !a.ok() || r.Calls(c.mapped) != packets {
			t.Errorf("%d: %+v after %d packets", i, a, r.Calls(c.mapped))
		}
	}
}

// PCP 11 is what miniupnpd says for "taken" and for "forbidden by my rules". Any
// port that it likes isn't asked for: that costs it half a minute.
func TestPCPIsNeverAskedForAnyPort(t *testing.T) {
	c := contenders()[0]
	r := routertest.New(t, c.opt)
	s := c.open(t, r)
	r.Always(c.mapped, func(args map[string]string) routertest.Reply {
		if args["exactly"] != "true" {
			t.Error("asked for any port")
		}
		return routertest.Reply{Code: 11}
	})
	if g, a := s.add(t.Context(), testWant()); a.outcome != notAllowed || r.Calls(c.mapped) != 2 {
		t.Errorf("%+v, %+v after %d packets", g, a, r.Calls(c.mapped))
	}
}

// T54. The nonce is what proves ownership: kept by the secret, lost without it.
func TestPCPNonceIsKeptByTheSecret(t *testing.T) {
	c := contenders()[0]
	for name, tt := range map[string]struct {
		secret string
		want   outcome
	}{
		"kept":                   {string(testSecret), done},
		"negative control: lost": {"another secret of a kind", notAllowed},
	} {
		r := routertest.New(t, c.opt)
		if _, a := c.open(t, r).add(t.Context(), testWant()); !a.ok() {
			t.Fatalf("%+v", a)
		}
		s, a := (&pcp{port: r.ControlPort(), secret: []byte(tt.secret)}).probe(t.Context(), loop(r))
		if !a.ok() {
			t.Fatalf("%+v", a)
		}
		if a := s.remove(t.Context(), testWant()); a.outcome != tt.want || (table(r) == "") != (tt.want == done) {
			t.Errorf("%s: %+v, table %q", name, a, table(r))
		}
	}
	s := &pcpSession{secret: testSecret, at: control{gw: Gateway{Addr: otherAddr, Self: otherAddr}}}
	seen := map[Nonce]bool{}
	for _, change := range []func(*want){func(*want) {}, func(w *want) { w.port++ }, func(w *want) { w.client = otherAddr }} {
		w := testWant()
		change(&w)
		seen[s.nonce(w)] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d nonces for three mappings", len(seen))
	}
}

// T31 for NAT-PMP and PCP: odd addresses are told as they are and never published.
func TestControlExternalAddressAnswers(t *testing.T) {
	for wan, want := range map[string]wanClass{"81.2.69.2": wanPublic, "192.168.0.12": wanPrivate, "100.64.3.4": wanCarrier,
		"192.0.0.2": wanCarrier, "0.0.0.0": wanNone, "127.0.0.1": wanNone, "224.0.0.1": wanNone} {
		for _, c := range controlContenders() {
			r := routertest.New(t, c.opt)
			r.SetWAN(wan)
			s := c.open(t, r)
			g, a := s.add(t.Context(), testWant())
			if !a.ok() {
				t.Fatalf("%s %s: %+v", c.name, wan, a)
			}
			addr, a := s.external(t.Context())
			if classify(addr) != want || g.told && g.external != addr || wan != "0.0.0.0" && !a.ok() {
				t.Errorf("%s %s: %v, %+v, grant %+v", c.name, wan, addr, a, g)
			}
		}
	}
}

// NAT-PMP 3, PCP 7: a router without an address on the internet side.
func TestControlRouterOffline(t *testing.T) {
	for _, c := range controlContenders() {
		r := routertest.New(t, c.opt)
		r.SetWAN("none")
		s := c.open(t, r)
		if g, a := s.add(t.Context(), testWant()); a.outcome != failed {
			t.Errorf("%s: %+v, %+v", c.name, g, a)
		}
		r.SetWAN("81.2.69.2")
		if _, a := s.add(t.Context(), testWant()); !a.ok() {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
}

// K3, T40, T55: both RFCs' rules about the epoch.
func TestEpoch(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(1e9+int64(seconds), 0) }
	type step struct {
		seconds int // of ours
		epoch   uint32
	}
	for name, tt := range map[string]struct {
		steps    []step
		pcp, pmp bool // lost at the last step
	}{
		"first answer":                    {[]step{{0, 7}}, false, false},
		"runs like ours":                  {[]step{{0, 100}, {60, 160}}, false, false},
		"the same second":                 {[]step{{0, 100}, {0, 100}}, false, false},
		"an answer overtaken by another":  {[]step{{0, 100}, {0, 99}}, false, false},
		"a little slow":                   {[]step{{0, 100}, {60, 156}}, false, false},
		"a quarter slow":                  {[]step{{0, 100}, {60, 145}}, true, true},
		"restarted":                       {[]step{{0, 100}, {60, 3}}, true, true},
		"restarted, counted up meanwhile": {[]step{{0, 100}, {600, 110}}, true, true},
		"another clock, far ahead":        {[]step{{0, 100}, {60, 5000}}, true, false},
		"a minute ahead after a day":      {[]step{{0, 100}, {86400, 86560}}, false, false},
		"always zero":                     {[]step{{0, 0}, {60, 0}}, true, true},
		"wraps":                           {[]step{{0, 1<<32 - 10}, {60, 50}}, true, true},
	} {
		for i, lost := range []bool{tt.pcp, tt.pmp} {
			var e epoch
			got := false
			for _, s := range tt.steps {
				got = e.next(s.epoch, at(s.seconds), i == 0)
			}
			if got != lost {
				t.Errorf("%s (ahead counts: %t): lost %t", name, i == 0, got)
			}
		}
	}
}

// miniupnpd on nftables refuses to remove an IPv6 mapping; it is shortened instead.
func TestRefusedRemovalOfAnIPv6MappingEndsIt(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, routertest.Options{IPv6: true, NoUPnP: true, PCP: true})
	p := &pcp{port: r.ControlPort(), secret: testSecret}
	s, a := p.probe(t.Context(), loop(r))
	if !a.ok() {
		t.Fatalf("%+v", a)
	}
	if _, a := s.add(t.Context(), want6()); !a.ok() {
		t.Fatalf("%+v", a)
	}
	var granted atomic.Uint32
	granted.Store(120)
	r.Always(routertest.PCPMap, func(args map[string]string) routertest.Reply {
		if args["lifetime"] == "0" {
			return routertest.Reply{Code: 2}
		}
		return routertest.Reply{Lifetime: granted.Load()}
	})
	if a := s.remove(t.Context(), want6()); !a.ok() || r.Entries()[0].Lease != 2*time.Minute {
		t.Errorf("%+v, table %+v", a, r.Entries())
	}
	granted.Store(3600)
	if a := s.remove(t.Context(), want6()); a.outcome != notAllowed {
		t.Errorf("said to be removed, with an hour to go: %+v", a)
	}
}

// PCP's "not this port" means two things: somebody has it, or the rules forbid all.
func TestPCPTellsATakenPortFromAForbiddenOne(t *testing.T) {
	t.Parallel()
	forbid := func(args map[string]string) routertest.Reply { return routertest.Reply{Code: 11} }
	for name, tt := range map[string]struct {
		prepare func(*routertest.Router)
		want    outcome
		table   string
	}{
		"taken": {func(r *routertest.Router) {
			r.Put(routertest.Entry{External: testPort, Internal: 5000, Client: "127.0.0.40", Description: "old nas"})
		}, conflict, "127.0.0.40"},
		"forbidden": {func(r *routertest.Router) { r.Always(routertest.PCPMap, forbid) }, notAllowed, ""},
		"taken, and then nothing more": {func(r *routertest.Router) {
			r.Script(routertest.PCPMap, routertest.Reply{Code: 11}, routertest.Reply{Code: 8})
		}, conflict, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{NoUPnP: true, PCP: true})
			tt.prepare(r)
			s, a := (&pcp{port: r.ControlPort(), secret: testSecret}).probe(t.Context(), loop(r))
			if !a.ok() {
				t.Fatalf("%+v", a)
			}
			if _, a := s.add(t.Context(), testWant()); a.outcome != tt.want || table(r) != tt.table {
				t.Errorf("%+v, table %+v", a, r.Entries())
			}
		})
	}
}

func TestOtherPortIsAnotherOfOurs(t *testing.T) {
	for _, port := range []uint16{1, 1024, 19999, 20000, 40499, 40500, testPort, 60999, 61000, 65535} {
		if o := otherPort(port); o == port || o < 20000 || o > 60999 {
			t.Errorf("%d: %d", port, o)
		}
	}
}

// miniupnpd shows a PCP mapping by UPnP with its nonce: whatever address it leads
// to, it is ours when the nonce is.
func TestNonceInTheRoutersTableIsProof(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, everything())
	ctx := hurried(t.Context())
	before := loop(r)
	w := testWant()
	s, a := (&pcp{port: r.ControlPort(), secret: testSecret}).probe(ctx, before)
	if !a.ok() {
		t.Fatalf("%+v", a)
	}
	if _, a := s.add(ctx, w); !a.ok() {
		t.Fatalf("%+v", a)
	}
	w.proof = func(client netip.Addr) Nonce { return nonceOf(testSecret, before.Addr, client, testPort) }
	u, a := probe(t, r)
	if !a.ok() {
		t.Fatalf("%+v", a)
	}
	if g, a := u.add(ctx, w); !a.ok() || g.foreign {
		t.Errorf("not taken for ours: %+v, %+v", g, a)
	}
	// The same from an address that we have now, where the router lets nobody else change it.
	s.add(ctx, testWant())
	moved := w
	moved.client = netip.MustParseAddr("127.0.0.9")
	for _, action := range []string{"AddPortMapping", "DeletePortMapping"} {
		r.Always(action, func(map[string]string) routertest.Reply { return routertest.Reply{Fault: 718} })
	}
	proof := w.proof(netip.MustParseAddr(self))
	r.Put(routertest.Entry{External: testPort, Internal: testPort, Client: self, Lease: 20 * time.Minute,
		Description: "PCP MAP " + hex.EncodeToString(proof[:])})
	if _, a := u.add(ctx, moved); a.outcome != conflict || !a.holder.former || a.holder.ends != 20*time.Minute {
		t.Errorf("%+v", a)
	}
	r.Put(routertest.Entry{External: testPort, Internal: testPort, Client: self, Description: "PCP MAP 000102030405060708090a0b"})
	if _, a := u.add(ctx, moved); a.outcome != conflict || a.holder.former {
		t.Errorf("another's nonce: %+v", a)
	}
}
