package upnp

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// ports is an Elsewhere in memory.
type ports struct {
	mu        sync.Mutex
	port      uint16
	promised  bool
	useless   []uint16 // in use on this box
	settleErr error
	tried     []uint16
	settled   []uint16
}

func (p *ports) Port() uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.port
}

func (p *ports) Promised() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.promised
}

func (p *ports) Try(_ context.Context, port uint16) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tried = append(p.tried, port)
	if slices.Contains(p.useless, port) {
		return errors.New("in use")
	}
	return nil
}

func (p *ports) Settle(_ context.Context, port uint16) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settled = append(p.settled, port)
	if p.settleErr != nil && port != testPort {
		return p.settleErr
	}
	p.port = port
	return nil
}

// seen is what was asked of it so far.
func (p *ports) seen() (tried, settled []uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tried), slices.Clone(p.settled)
}

// ours are the entries that lead to us, as external to internal port.
func ours(r *routertest.Router) (list []string) {
	for _, e := range r.Entries() {
		if e.Client == self {
			list = append(list, strconv.Itoa(int(e.External))+" to "+strconv.Itoa(int(e.Internal)))
		}
	}
	return list
}

// T20, T22, T23, T37: where the router doesn't give us our port another one is opened,
// the same inside as outside, and nobody else's is touched.
func TestAnotherPortIsOpenedWhereTheRouterDoesNotGiveOurs(t *testing.T) {
	taken := func(r *routertest.Router) {
		r.Put(routertest.Entry{External: testPort, Internal: 5000, Client: "127.0.0.40", Description: "old nas"})
	}
	ownUse := func(port string) func(r *routertest.Router) {
		return func(r *routertest.Router) {
			r.Always("AddPortMapping", func(args map[string]string) routertest.Reply {
				if args["NewExternalPort"] == port {
					return routertest.Reply{Fault: 729}
				}
				return routertest.Reply{}
			})
		}
	}
	only := func(from, to uint16, opt routertest.Options) routertest.Options {
		opt.From, opt.To = from, to
		return opt
	}
	const (
		mine    = testPort + 1<<14 // the next quarter of all ports
		offered = 62816
	)
	for name, tt := range map[string]struct {
		opt  routertest.Options
		set  func(*routertest.Router)
		want uint16
	}{
		"T20: another host has it, IGD 2":         {routertest.Options{}, taken, mine},
		"T20: another host has it, IGD 1":         {routertest.Options{Version: 1}, taken, mine},
		"T20: another host has it, all protocols": {everything(), taken, mine},
		"T20: another host has it, PCP":           {routertest.Options{PCP: true, NoUPnP: true}, taken, mine},
		"T20: another host has it, NAT-PMP":       {routertest.Options{PMP: true, NoUPnP: true}, taken, testPort + 1},
		"T22: a narrow range, IGD 2":              {only(62816, 62831, routertest.Options{}), nil, offered},
		"T22: a narrow range, NAT-PMP":            {only(62816, 62831, routertest.Options{PMP: true, NoUPnP: true}), nil, offered},
		"T22: a quarter of all ports, IGD 2":      {only(1024, 16383, routertest.Options{}), nil, 1024},
		"T23: the router has it":                  {routertest.Options{}, ownUse("41234"), mine},
		"T37: NAT-PMP insists on another":         {routertest.Options{PMP: true, NoUPnP: true}, func(r *routertest.Router) { r.Always(routertest.PMPMap, insistsOn(50000)) }, 50000},
		"T37: PCP insists on another":             {routertest.Options{PCP: true, NoUPnP: true}, func(r *routertest.Router) { r.Always(routertest.PCPMap, insistsOn(50000)) }, 50000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, tt.opt)
			if tt.set != nil {
				tt.set(r)
			}
			before := r.Entries()
			c, e := against(r), &ports{}
			c.Elsewhere = e
			m, stop := running(t, c)
			s := until(t, m, "mapping", verdict(Mapped))
			if s.Port != tt.want || s.FirstPort != testPort || s.Mapping.External.Port() != tt.want || s.Mapping.Internal.Port() != tt.want {
				t.Errorf("port %d instead of %d, %+v", s.Port, tt.want, s.Mapping)
			}
			same := strconv.Itoa(int(tt.want)) + " to " + strconv.Itoa(int(tt.want))
			if got := ours(r); !slices.Equal(got, []string{same}) {
				t.Errorf("table %+v", r.Entries())
			}
			if e.Port() != tt.want {
				t.Errorf("kept for the next run: %d", e.Port())
			}
			stop()
			if got := r.Entries(); !slices.Equal(got, before) {
				t.Errorf("left %+v", got)
			}
		})
	}
}

// insistsOn grants one port and no other, to whoever asks.
func insistsOn(port uint16) func(map[string]string) routertest.Reply {
	return func(args map[string]string) routertest.Reply {
		if args["lifetime"] == "0" {
			return routertest.Reply{}
		}
		return routertest.Reply{Port: port}
	}
}

// T37: numbers that are no ports, and a router that offers what it then refuses.
func TestOfferedPortsThatAreNoneAreRefused(t *testing.T) {
	for name, number := range map[string]string{"zero": "0", "too large": "70000", "empty": "", "not a number": "x", "one of the router's own": "443"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			r.Always("AddPortMapping", always(routertest.Reply{Fault: 606}))
			r.Always("AddAnyPortMapping", always(routertest.Reply{Body: `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` +
				`<u:AddAnyPortMappingResponse xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:2"><NewReservedPort>` + number +
				`</NewReservedPort></u:AddAnyPortMappingResponse></s:Body></s:Envelope>`}))
			c, e := against(r), &ports{}
			c.Elsewhere = e
			m, _ := running(t, c)
			s := until(t, m, "verdict", func(s Status) bool { return s.Verdict != Starting })
			if tried, _ := e.seen(); s.Verdict != Refused || s.Port != testPort || slices.Contains(tried, 443) || e.Port() > testPort {
				t.Errorf("%v, port %d, tried %v", s.Verdict, s.Port, tried)
			}
		})
	}
}

// T21: a router that forbids it to us is asked for no other port, but for one offer.
func TestARefusalByRuleIsNoReasonToTryPorts(t *testing.T) {
	for name, opt := range map[string]routertest.Options{"IGD 1": {Version: 1}, "IGD 2": {}} {
		r := routertest.New(t, opt)
		for _, action := range []string{"AddPortMapping", "AddAnyPortMapping"} {
			r.Always(action, always(routertest.Reply{Fault: 606}))
		}
		c, e := against(r), &ports{}
		c.Elsewhere = e
		m, stop := running(t, c)
		s := until(t, m, "verdict", func(s Status) bool { return s.Verdict != Starting })
		stop()
		tried, _ := e.seen()
		if n := r.Calls("AddPortMapping") + r.Calls("AddAnyPortMapping"); s.Verdict != Refused || len(tried) > 0 || n > 3 {
			t.Errorf("%s: %v, tried %v, %d requests", name, s.Verdict, tried, n)
		}
	}
}

// Ports that another program of this box, or the owner, has are passed over.
func TestPortsInUseHereAreNotAskedFor(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Put(routertest.Entry{External: testPort, Internal: 5000, Client: "127.0.0.40"})
	c, e := against(r), &ports{useless: []uint16{57618}}
	c.Elsewhere = e
	c.Port, c.Description = testPort, testDesc
	m, _ := running(t, c)
	m.SetForwards([]Forward{{ID: 1, Protocol: "UDP", External: 8000, Count: 1000, To: netip.MustParseAddrPort("127.0.0.50:8000")}})
	if s := until(t, m, "mapping", verdict(Mapped)); s.Port == 57618 || s.Port == testPort {
		t.Errorf("port %d", s.Port)
	}
}

// What was found once is asked for first the next time, and the first port again only
// when that is gone.
func TestTheOtherPortOutlivesTheRun(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	c, e := against(r), &ports{port: 50123}
	c.Elsewhere = e
	m, stop := running(t, c)
	s := until(t, m, "mapping", verdict(Mapped))
	if tried, _ := e.seen(); s.Port != 50123 || s.FirstPort != testPort || len(tried) > 0 || !slices.Equal(ours(r), []string{"50123 to 50123"}) {
		t.Errorf("port %d, tried %v, table %+v", s.Port, tried, r.Entries())
	}
	stop()
	r.Put(routertest.Entry{External: 50123, Internal: 5000, Client: "127.0.0.40"})
	m, _ = running(t, c)
	if s := until(t, m, "mapping", verdict(Mapped)); s.Port != testPort {
		t.Errorf("port %d", s.Port)
	}
}

// A port that cannot be kept over a restart is given back.
func TestAPortThatCannotBeKeptIsGivenBack(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Put(routertest.Entry{External: testPort, Internal: 5000, Client: "127.0.0.40"})
	c, e := against(r), &ports{settleErr: errors.New("disk full")}
	c.Elsewhere = e
	m, _ := running(t, c)
	s := until(t, m, "verdict", verdict(Conflict))
	if _, settled := e.seen(); s.Port != testPort || len(ours(r)) > 0 || len(settled) != 2 || settled[1] != testPort {
		t.Errorf("port %d, settled %v, table %+v", s.Port, settled, r.Entries())
	}
}

// A port that is in codes is not left because it is away for a moment.
func TestAPromisedPortIsLeftOnlyWhenItStaysAway(t *testing.T) {
	for _, returns := range []bool{true, false} {
		inBubble(t, func(w *world) {
			e := &ports{promised: true}
			w.m.config.Elsewhere = e
			w.start()
			w.until(verdict(Mapped))
			w.set(func(r *memory) { r.taken = []uint16{testPort} })
			start := time.Now()
			w.until(verdict(Conflict))
			w.sleep(5 * time.Minute)
			if tried, _ := e.seen(); len(tried) > 0 {
				t.Errorf("tried %v after %v", tried, time.Since(start))
			}
			if returns {
				w.set(func(r *memory) { r.taken = nil })
				if s := w.until(verdict(Mapped)); s.Port != testPort {
					t.Errorf("port %d", s.Port)
				}
				return
			}
			s := w.until(verdict(Mapped))
			if took := time.Since(start); s.Port == testPort || took < promisedFor || took > promisedFor+6*time.Minute {
				t.Errorf("port %d after %v", s.Port, took)
			}
			w.set(func(r *memory) { r.taken = nil })
			w.sleep(2 * time.Hour)
			if again := w.m.Status(); again.Port != s.Port || again.Verdict != Mapped {
				t.Errorf("moved again, to %d: %v", again.Port, again.Verdict)
			}
		})
	}
}

// Our own entry of before is waited for, since it ends by itself.
func TestOurOwnEntryOfBeforeIsWaitedFor(t *testing.T) {
	inBubble(t, func(w *world) {
		e := &ports{}
		w.m.config.Elsewhere = e
		w.router.addAnswer = answer{outcome: conflict, holder: holder{former: true, ends: 8 * time.Minute}}
		w.start()
		w.until(verdict(Conflict))
		w.sleep(7 * time.Minute)
		if tried, _ := e.seen(); len(tried) > 0 {
			t.Errorf("tried %v", tried)
		}
	})
}

// Where every port is taken the search for one is short, and told as before.
func TestTryingPortsIsBounded(t *testing.T) {
	inBubble(t, func(w *world) {
		e := &ports{}
		w.m.config.Elsewhere = e
		w.router.addAnswer = answer{outcome: conflict, problem: "taken"}
		w.start()
		s := w.until(verdict(Conflict))
		tried, settled := e.seen()
		if s.Port != testPort || len(tried) != walkMost || !slices.Equal(settled, []uint16{testPort}) || s.Problem != "taken" {
			t.Errorf("port %d, tried %v, settled %v, %q", s.Port, tried, settled, s.Problem)
		}
	})
}

// The IPv6 firewall is opened for the port that the codes then have.
func TestIPv6FollowsToTheOtherPort(t *testing.T) {
	inBubble(t, func(w *world) {
		w.m.config.Elsewhere = &ports{}
		six := &memory{lease: time.Hour}
		w.m.six = &side{six: true, tell: w.m.tellIPv6, protocols: []protocol{six}, hearRoutes: func(ctx context.Context, _ func()) error { <-ctx.Done(); return nil },
			gateway: func() (Gateway, error) {
				return Gateway{Addr: netip.MustParseAddr("fe80::1%eth0"), Self: netip.MustParseAddr("2a01:5ead:77::10"), Interface: "eth0"}, nil
			}}
		w.start()
		w.until(func(s Status) bool { return s.Verdict == Mapped && sixOpen(s) })
		w.set(func(r *memory) { r.taken = []uint16{testPort} })
		s := w.until(func(s Status) bool { return s.Port != testPort && s.IPv6.Address.Port() == s.Port })
		six.mu.Lock()
		defer six.mu.Unlock()
		if six.lastRemoved.port != testPort || six.last.port != s.Port {
			t.Errorf("removed %d, asked for %d, the port is %d", six.lastRemoved.port, six.last.port, s.Port)
		}
	})
}

// T29, T38: routers whose answer is hardly about the port are asked for another one or
// two all the same, once: 501 for a port that is taken, 402, 728, 4 or 8 for a full
// table. Then it is told, in time.
func TestAnswersThatMayBeAboutThePortHaveAnotherOneTried(t *testing.T) {
	pmp, pcp := routertest.Options{PMP: true, NoUPnP: true}, routertest.Options{PCP: true, NoUPnP: true}
	soap := func(code int) func(*routertest.Router, func(port string) bool) {
		return func(r *routertest.Router, refuses func(string) bool) {
			r.Always("AddPortMapping", func(args map[string]string) routertest.Reply {
				if refuses(args["NewExternalPort"]) {
					return routertest.Reply{Fault: code}
				}
				return routertest.Reply{}
			})
		}
	}
	control := func(kind string, code int) func(*routertest.Router, func(port string) bool) {
		return func(r *routertest.Router, refuses func(string) bool) {
			r.Always(kind, func(args map[string]string) routertest.Reply {
				if args["lifetime"] != "0" && refuses(args["external"]) {
					return routertest.Reply{Code: code}
				}
				return routertest.Reply{}
			})
		}
	}
	for name, tt := range map[string]struct {
		opt    routertest.Options
		refuse func(*routertest.Router, func(port string) bool)
		tries  int
		says   string
	}{
		"T29: 501":     {routertest.Options{}, soap(501), walkFailed, "Restart the router"},
		"T38: 728":     {routertest.Options{}, soap(728), walkFull, "no room"},
		"T38: 402":     {routertest.Options{}, soap(402), walkFull, "its list is full, or"},
		"T38: 701":     {routertest.Options{}, soap(701), walkFull, "no room"},
		"T38: NAT-PMP": {pmp, control(routertest.PMPMap, 4), walkFull, "no room"},
		"T38: PCP":     {pcp, control(routertest.PCPMap, 8), walkFull, "no room"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, tt.opt)
			tt.refuse(r, func(string) bool { return true })
			c, e := against(r), &ports{}
			c.Elsewhere = e
			begun := time.Now()
			m, stop := running(t, c)
			s := until(t, m, "verdict", func(s Status) bool { return s.Verdict != Starting })
			if took := time.Since(begun); s.Verdict != RouterBroken || took > 30*time.Second || !strings.Contains(s.Advice, tt.says) {
				t.Errorf("%v after %v: %q", s.Verdict, took, s.Advice)
			}
			if tried, _ := e.seen(); len(tried) != tt.tries || s.Port != testPort {
				t.Errorf("tried %v, the port is %d", tried, s.Port)
			}
			stop()

			r = routertest.New(t, tt.opt)
			tt.refuse(r, func(port string) bool { return port == strconv.Itoa(testPort) })
			c, e = against(r), &ports{}
			c.Elsewhere = e
			m, _ = running(t, c)
			if s := until(t, m, "mapping", verdict(Mapped)); s.Port != testPort+1<<14 || e.Port() != s.Port {
				t.Errorf("it was about the port: %d", s.Port)
			}
		})
	}
}

// T38: one other port at once, then 30 seconds, then five minutes, and no port more.
func TestAFullTableIsAskedSeldom(t *testing.T) {
	for _, o := range []outcome{tableFull, badArgument} {
		inBubble(t, func(w *world) {
			e := &ports{}
			w.m.config.Elsewhere = e
			begun := time.Now()
			var asked []time.Duration
			w.router.adding = func() { asked = append(asked, time.Since(begun).Round(time.Second)) }
			w.router.addAnswer = answer{outcome: o}
			w.start()
			w.until(verdict(RouterBroken))
			w.sleep(11 * time.Minute)
			w.set(func(*memory) {
				if want := []time.Duration{0, 0, 30 * time.Second, 330 * time.Second, 630 * time.Second}; !slices.Equal(asked, want) {
					t.Errorf("%v: asked after %v, want %v", o, asked, want)
				}
			})
			if tried, _ := e.seen(); len(tried) != walkFull {
				t.Errorf("tried %v", tried)
			}
			w.set(func(r *memory) { r.addAnswer = answer{} })
			if s := w.until(verdict(Mapped)); s.Port != testPort {
				t.Errorf("port %d", s.Port)
			}
		})
	}
}

// C7 by PCP alone: of two or four homes that share an address each has a quarter or half
// of all ports. One in each is asked for, exactly, so that no router has to look for any.
func TestTheQuarterOfThePortsIsFoundByPCPAlone(t *testing.T) {
	for from, want := range map[uint16]uint16{1024: 8466, 16384: 24850, 49152: 57618} {
		r := routertest.New(t, routertest.Options{PCP: true, NoUPnP: true, From: from, To: from | 16383})
		c, e := against(r), &ports{}
		c.Elsewhere = e
		m, stop := running(t, c)
		s := until(t, m, "mapping", verdict(Mapped))
		if s.Port != want || e.Port() != want || !slices.Equal(ours(r), []string{strconv.Itoa(int(want)) + " to " + strconv.Itoa(int(want))}) {
			t.Errorf("from %d: port %d, table %+v", from, s.Port, r.Entries())
		}
		stop()
	}
}

// T22 by PCP alone: where only a few ports are allowed, they are not found; that is told
// soon, after few requests, and none of them is for any port.
func TestANarrowRangeByPCPAloneIsTold(t *testing.T) {
	r := routertest.New(t, routertest.Options{PCP: true, NoUPnP: true})
	r.Always(routertest.PCPMap, func(args map[string]string) routertest.Reply {
		if args["exactly"] != "true" && args["lifetime"] != "0" {
			t.Error("asked for any port")
		}
		return routertest.Reply{Code: 11}
	})
	c, e := against(r), &ports{}
	c.Elsewhere = e
	begun := time.Now()
	m, _ := running(t, c)
	s := until(t, m, "verdict", verdict(Refused))
	n := r.Calls(routertest.PCPMap)
	const first = 2 * 2 // our own port, and another one to see whether that is about it; twice, with the slow protocols waited for
	if tried, _ := e.seen(); len(tried) != walkMost || n > first+walkMost || time.Since(begun) > 20*time.Second || s.Advice == "" || s.Port != testPort {
		t.Errorf("after %v: %d requests for %v, %q", time.Since(begun), n, tried, s.Advice)
	}
}
