package upnp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// pxpConfig is a mapper's config towards a server on loopback, without UPnP.
func pxpConfig(p *routertest.PXP) Config {
	gw := Gateway{Addr: p.Addr().Addr(), Self: netip.MustParseAddr("127.0.0.1"), Interface: "lo"}
	return Config{PXPPort: p.Addr().Port(), SSDPPort: p.Addr().Port(), Secret: []byte("secret"), Gateway: func() (Gateway, error) { return gw, nil }}
}

var (
	pcpOnly    = routertest.PXPOptions{PCP: true}
	natpmpOnly = routertest.PXPOptions{NATPMP: true}
	bothPXP    = routertest.PXPOptions{PCP: true, NATPMP: true}
)

// both runs a test against either protocol.
func both(t *testing.T, f func(t *testing.T, p *routertest.PXP, via string)) {
	for via, opt := range map[string]routertest.PXPOptions{"PCP": pcpOnly, "NAT-PMP": natpmpOnly} {
		t.Run(via, func(t *testing.T) { t.Parallel(); f(t, routertest.NewPXP(t, opt), via) })
	}
}

func TestPXPMapsAndReleases(t *testing.T) {
	both(t, func(t *testing.T, p *routertest.PXP, via string) {
		m, stop := running(t, pxpConfig(p))
		start := time.Now()
		s := until(t, m, "mapping", verdict(Mapped))
		if took := time.Since(start); took > 2500*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if s.Router.Via != via || s.External.String() != "81.2.69.2" || s.Mapping.External.String() != "81.2.69.2:41234" ||
			s.Mapping.Internal.String() != "127.0.0.1:41234" || s.Mapping.Granted != time.Hour || s.Mapping.Foreign {
			t.Errorf("%+v, %+v", s, s.Mapping)
		}
		if got := p.Mapped(); len(got) != 1 || got[testPort].External != testPort {
			t.Errorf("the router has %+v", got)
		}
		stop()
		if got := p.Mapped(); len(got) != 0 {
			t.Errorf("left behind %+v", got)
		}
	})
}

func TestPCPIsPreferredAndTheNonceOutlivesACrash(t *testing.T) {
	p := routertest.NewPXP(t, bothPXP)
	m, _ := running(t, pxpConfig(p))
	if s := until(t, m, "mapping", verdict(Mapped)); s.Router.Via != "PCP" {
		t.Errorf("via %s", s.Router.Via)
	}
	// A second run, while the first is as good as dead: the router takes only
	// the nonce that it knows.
	again, stop := running(t, pxpConfig(p))
	until(t, again, "mapping", verdict(Mapped))
	stop()
	if got := p.Mapped(); len(got) != 0 {
		t.Errorf("the second run could not remove %+v", got)
	}
	// The negative control: with another secret it is a stranger.
	until(t, m, "mapping", verdict(Mapped))
	s := &pcpSession{server: p.Addr(), self: netip.MustParseAddr("127.0.0.1"), secret: []byte("secret")}
	w := want{port: testPort, lease: time.Hour}
	if _, a := s.add(t.Context(), w); !a.ok() {
		t.Fatalf("%+v", a)
	}
	s.secret = []byte("another")
	if _, a := s.add(t.Context(), w); a.outcome != notAllowed {
		t.Errorf("a stranger's nonce: %+v", a)
	}
}

func TestPXPNobodyTakesOurPortForAnother(t *testing.T) {
	both(t, func(t *testing.T, p *routertest.PXP, _ string) {
		p.Change(func(p *routertest.PXP) { p.Offer(50000) })
		m, _ := running(t, pxpConfig(p))
		s := until(t, m, "conflict", verdict(Conflict))
		if got := p.Mapped(); len(got) != 0 || s.Mapping != nil {
			t.Errorf("a port that nobody asked for stays: %+v, %+v", got, s.Mapping)
		}
	})
}

func TestPCPServerWithoutOptionsIsUsedAllTheSame(t *testing.T) {
	p := routertest.NewPXP(t, pcpOnly)
	p.Change(func(p *routertest.PXP) { p.NoOptions() })
	m, _ := running(t, pxpConfig(p))
	until(t, m, "mapping", verdict(Mapped))
}

func TestPXPResultCodes(t *testing.T) {
	for _, c := range []struct {
		opt    routertest.PXPOptions
		result byte
		want   Verdict
	}{
		{natpmpOnly, natpmpNotAuthorized, Refused},
		{natpmpOnly, natpmpOutOfResources, RouterBroken},
		{pcpOnly, pcpNotAuthorized, Refused},
		{pcpOnly, pcpCannotProvideExternal, Conflict},
		{pcpOnly, pcpNoResources, RouterBroken},
		{pcpOnly, pcpAddressMismatch, RouterBroken},
	} {
		t.Run(fmt.Sprintf("%+v result %d", c.opt, c.result), func(t *testing.T) {
			t.Parallel()
			p := routertest.NewPXP(t, c.opt)
			p.Change(func(p *routertest.PXP) { p.Refuse(c.result) })
			m, _ := running(t, pxpConfig(p))
			s := until(t, m, c.want.String(), verdict(c.want))
			if s.Problem == "" || s.Advice == "" || s.Mapping != nil {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestPXPExternalAddressIsJudged(t *testing.T) {
	both(t, func(t *testing.T, p *routertest.PXP, _ string) {
		p.Change(func(p *routertest.PXP) { p.WAN(netip.MustParseAddr("100.64.3.4")) })
		m, _ := running(t, pxpConfig(p))
		if s := until(t, m, "carrier NAT", verdict(CarrierNAT)); s.External.IsValid() || s.Mapping.External.Addr().IsValid() {
			t.Errorf("%+v", s)
		}
	})
}

func TestPXPShortLeaseCounts(t *testing.T) {
	both(t, func(t *testing.T, p *routertest.PXP, _ string) {
		p.Change(func(p *routertest.PXP) { p.LongestLease(120) })
		m, _ := running(t, pxpConfig(p))
		s := until(t, m, "mapping", verdict(Mapped))
		if in := time.Until(s.Mapping.RenewAfter); s.Mapping.Granted != 2*time.Minute || in > time.Minute || in < 50*time.Second {
			t.Errorf("%+v", s.Mapping)
		}
	})
}

func TestPXPBadAnswersAreNotTaken(t *testing.T) {
	junk := map[string]func(reply []byte) [][]byte{
		"nothing":     func([]byte) [][]byte { return nil },
		"empty":       func([]byte) [][]byte { return [][]byte{{}} },
		"truncated":   func(b []byte) [][]byte { return [][]byte{b[:len(b)/2]} },
		"its request": func(b []byte) [][]byte { b[1] &^= 0x80; return [][]byte{b} },
		"garbage":     func([]byte) [][]byte { return [][]byte{bytes.Repeat([]byte{0xff}, 64)} },
		"too long":    func(b []byte) [][]byte { return [][]byte{append(b, make([]byte, 1100)...)} },
	}
	for name, f := range junk {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := routertest.NewPXP(t, pcpOnly)
			p.Change(func(p *routertest.PXP) { p.Mutilate(f) })
			s := &pcpSession{server: p.Addr(), self: netip.MustParseAddr("127.0.0.1")}
			start := time.Now()
			if _, a := s.add(t.Context(), want{port: testPort, lease: time.Hour}); a.outcome == done {
				t.Errorf("taken for an answer")
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
	t.Run("another nonce first", func(t *testing.T) {
		p := routertest.NewPXP(t, pcpOnly)
		p.Change(func(p *routertest.PXP) {
			p.Mutilate(func(b []byte) [][]byte {
				other := bytes.Clone(b)
				if len(other) > 30 {
					other[24] ^= 0xff
					binary.BigEndian.PutUint16(other[42:], 9)
				}
				return [][]byte{other, b}
			})
		})
		m, _ := running(t, pxpConfig(p))
		until(t, m, "mapping", verdict(Mapped))
	})
	t.Run("from somebody else", func(t *testing.T) {
		real := routertest.NewPXP(t, natpmpOnly)
		s := &natpmpSession{server: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.3"), real.Addr().Port()), self: netip.MustParseAddr("127.0.0.1")}
		if _, a := s.external(t.Context()); a.outcome != moved {
			t.Errorf("%+v", a)
		}
	})
}

func TestPXPLostPacketsAreSentAgain(t *testing.T) {
	both(t, func(t *testing.T, p *routertest.PXP, _ string) {
		n := 0
		p.Change(func(p *routertest.PXP) {
			p.Mutilate(func(b []byte) [][]byte {
				if n++; n%2 == 1 {
					return nil
				}
				return [][]byte{b}
			})
		})
		m, _ := running(t, pxpConfig(p))
		until(t, m, "mapping", verdict(Mapped))
	})
}

func TestPXPRefusalFallsBackToUPnP(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	p := routertest.NewPXP(t, bothPXP)
	if p.Addr().Addr() != loop(r).Addr {
		t.Fatalf("two routers: %v and %v", p.Addr(), loop(r))
	}
	p.Change(func(p *routertest.PXP) { p.Refuse(2) })
	c := against(r)
	c.PXPPort = p.Addr().Port()
	m, _ := running(t, c)
	if s := until(t, m, "mapping", verdict(Mapped)); !strings.HasPrefix(s.Router.Via, "UPnP") {
		t.Errorf("via %s", s.Router.Via)
	}
	if got := p.Mapped(); len(got) != 0 {
		t.Errorf("two mappings: %+v", got)
	}
}

func TestOneMappingOnlyWhereAllProtocolsWork(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	p := routertest.NewPXP(t, bothPXP)
	c := against(r)
	c.PXPPort = p.Addr().Port()
	m, _ := running(t, c)
	if s := until(t, m, "mapping", verdict(Mapped)); s.Router.Via != "PCP" {
		t.Errorf("via %s", s.Router.Via)
	}
	if n := len(p.Mapped()) + len(r.Entries()); n != 1 {
		t.Errorf("%d mappings", n)
	}
}

func TestEpochs(t *testing.T) {
	t0 := time.Unix(1e9, 0)
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	for _, c := range []struct {
		name               string
		server, after, now uint32 // the first count, the seconds that passed here, the next count
		pcp, natpmp        bool   // lost, by either rule
	}{
		{"in step", 1000, 60, 1060, false, false},
		{"began anew", 1000, 60, 5, true, true},
		{"began anew long ago", 1000, 60, 900, true, true},
		{"a second back", 1000, 0, 999, false, false},
		{"stands still", 1000, 60, 1000, true, true},
		{"runs a little slow", 1000, 1600, 1000 + 1520, false, false},
		{"runs much too fast", 1000, 60, 5000, true, false},
		{"restarted and overtook", 10, 3600, 600, true, true},
	} {
		var p, n epoch
		if p.pcp(t0, c.server) || n.natpmp(t0, c.server) {
			t.Errorf("%s: the first count tells of a loss", c.name)
		}
		if got := p.pcp(at(int(c.after)), c.now); got != c.pcp {
			t.Errorf("%s: PCP says %v", c.name, got)
		}
		if got := n.natpmp(at(int(c.after)), c.now); got != c.natpmp {
			t.Errorf("%s: NAT-PMP says %v", c.name, got)
		}
	}
}

func TestRestartOfAnPXPServerIsNoticed(t *testing.T) {
	p := routertest.NewPXP(t, natpmpOnly)
	s := &natpmpSession{server: p.Addr(), self: netip.MustParseAddr("127.0.0.1")}
	if _, a := s.external(t.Context()); !a.ok() {
		t.Fatalf("%+v", a)
	}
	p.Change(func(p *routertest.PXP) { p.Restart() })
	if _, a := s.external(t.Context()); a.outcome != notThere {
		t.Errorf("%+v", a)
	}
	if _, a := s.external(t.Context()); !a.ok() {
		t.Errorf("told twice: %+v", a)
	}
	q := routertest.NewPXP(t, pcpOnly)
	pc := &pcpSession{server: q.Addr(), self: netip.MustParseAddr("127.0.0.1")}
	if _, a := pc.add(t.Context(), want{port: testPort, lease: time.Hour}); !a.ok() {
		t.Fatalf("%+v", a)
	}
	q.Change(func(q *routertest.PXP) { q.Restart(); q.WAN(netip.MustParseAddr("81.2.69.9")) })
	if addr, a := pc.external(t.Context()); !a.ok() || addr.String() != "81.2.69.9" || len(q.Mapped()) != 1 {
		t.Errorf("%v %+v, the router has %v", addr, a, q.Mapped())
	}
}

// The seeds are a good response of each kind, and one of each way to be bad.
func FuzzNATPMP(f *testing.F) {
	f.Add([]byte{0, 128, 0, 0, 0, 0, 0, 9, 81, 2, 69, 2})                           // address
	f.Add([]byte{0, 129, 0, 0, 0, 0, 0, 9, 0xa1, 0x12, 0xa1, 0x12, 0, 0, 0x0e, 16}) // mapping
	f.Add([]byte{0, 129, 0, 2, 0, 0, 0, 9})                                         // refusal
	f.Add([]byte{2, 129, 0, 0, 0, 0, 0, 9})                                         // of PCP
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseNATPMP(b)
		if err == nil && (b[0] != natpmpVersion || b[1] != r.opcode+natpmpResponse || r.lifetime < 0) {
			t.Errorf("%x reads as %+v", b, r)
		}
		if err != nil && r != (natpmpReply{}) {
			t.Errorf("%x: an error and %+v", b, r)
		}
	})
}

// The seeds are a good response of each kind, and one of each way to be bad.
func FuzzPCP(f *testing.F) {
	announce := make([]byte, 24)
	announce[0], announce[1] = 2, 0x80
	mapping := append(bytes.Clone(announce), make([]byte, 36)...)
	mapping[1] = 0x81
	f.Add(announce)
	f.Add(mapping)
	f.Add(append(bytes.Clone(mapping), 2, 0, 0, 0))            // with an option
	f.Add(mapping[:59])                                        // not a multiple of four
	f.Add(append([]byte{1}, mapping[1:]...))                   // another version
	f.Add(append(bytes.Clone(mapping), make([]byte, 1100)...)) // too long
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parsePCP(b)
		if err == nil && (b[0] != pcpVersion || b[1] != r.opcode|pcpResponse || len(b) > pcpMaxLength || r.mapping.address.Is4In6()) {
			t.Errorf("%x reads as %+v", b, r)
		}
		if err != nil && r != (pcpReply{}) {
			t.Errorf("%x: an error and %+v", b, r)
		}
	})
}
