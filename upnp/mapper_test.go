package upnp

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// running starts a mapper against a router and returns it with what stops it.
func running(t *testing.T, c Config) (m *Mapper, stop func()) {
	t.Helper()
	c.Port, c.Description = testPort, testDesc
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	stopped := false
	stop = func() {
		t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return m, stop
}

func against(r *routertest.Router) Config {
	return Config{SSDPPort: r.SSDPPort(), ControlPort: r.ControlPort(), Secret: testSecret,
		Gateway: func() (Gateway, error) { return loop(r), nil }}
}

// patience is how long is waited for what nobody promised a time for: a busy machine is
// many times slower.
const patience = 90 * time.Second

// atOnce is for what waits for nobody: those that do not answer are waited for longer.
const atOnce = ssdpListen - 300*time.Millisecond

// until waits for a status that fits.
func until(t *testing.T, m *Mapper, what string, fits func(Status) bool) Status {
	t.Helper()
	limit := time.After(patience)
	for {
		if s := m.Status(); fits(s) {
			return s
		}
		select {
		case <-m.Changed():
		case <-limit:
			t.Fatalf("no %s; status %+v", what, m.Status())
		}
	}
}

func verdict(v Verdict) func(Status) bool { return func(s Status) bool { return s.Verdict == v } }

func TestMapsAndReleasesAtStop(t *testing.T) {
	r := routertest.New(t, routertest.Options{Manufacturer: "ACME", Model: "Box\x1b 9"})
	start := time.Now()
	m, stop := running(t, against(r))
	s := until(t, m, "mapping", verdict(Mapped))
	if took := time.Since(start); took > atOnce {
		t.Errorf("took %v", took)
	}
	if s.External.String() != "81.2.69.2" || s.Mapping == nil || s.Mapping.External.String() != "81.2.69.2:41234" ||
		s.Mapping.Internal.String() != "127.0.0.1:41234" || s.Mapping.VerifiedAt.IsZero() || s.Router.Name != "ACME Box 9" {
		t.Errorf("%+v, %+v", s, s.Mapping)
	}
	stop()
	if got := r.Entries(); len(got) != 0 {
		t.Errorf("left behind %+v", got)
	}
	if s := m.Status(); s.Verdict != Disabled || s.Mapping != nil || s.External.IsValid() {
		t.Errorf("after the end: %+v", s)
	}
}

func TestAddressIsAskedBeforeTheEntryIsMade(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	m, _ := running(t, against(r))
	until(t, m, "mapping", verdict(Mapped))
	order := r.Order()
	if slices.Index(order, "GetExternalIPAddress") > slices.Index(order, "AddPortMapping") {
		t.Errorf("order %q", order)
	}
}

func TestStopInTheMiddleOfAskingLeavesNothing(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	asked := make(chan struct{})
	n := 0
	r.Always("GetSpecificPortMappingEntry", func(map[string]string) routertest.Reply {
		if n++; n != 2 {
			return routertest.Reply{}
		}
		close(asked)
		return routertest.Reply{Delay: time.Hour} // the entry is there, we never hear of it
	})
	_, stop := running(t, against(r))
	<-asked
	start := time.Now()
	stop()
	if got := r.Entries(); len(got) != 0 || time.Since(start) > releaseTime {
		t.Errorf("left behind %+v after %v", got, time.Since(start))
	}
}

func TestStopWithADeadRouterIsQuick(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	m, stop := running(t, against(r))
	until(t, m, "mapping", verdict(Mapped))
	hang := func(map[string]string) routertest.Reply { return routertest.Reply{Delay: time.Hour} }
	r.Always("GetSpecificPortMappingEntry", hang)
	r.Always("DeletePortMapping", hang)
	start := time.Now()
	stop()
	if took := time.Since(start); took > releaseTime+5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	add := func(code int) func(*routertest.Router) {
		return func(r *routertest.Router) {
			r.Always("AddPortMapping", func(map[string]string) routertest.Reply { return routertest.Reply{Fault: code} })
		}
	}
	for name, tt := range map[string]struct {
		wan    string
		set    func(*routertest.Router)
		want   Verdict
		mapped bool
		advice string
	}{
		"good":            {"81.2.69.2", nil, Mapped, true, ""},
		"private":         {"192.168.0.12", nil, PrivateWAN, true, "forward UDP 41234 there to 192.168.0.12"},
		"carrier":         {"100.64.9.9", nil, CarrierNAT, true, "(100.64.9.9)"},
		"no address":      {"0.0.0.0", nil, NoWAN, true, "no public address"},
		"not allowed":     {"81.2.69.2", add(606), Refused, false, "Allow this box (127.0.0.1)"},
		"action hidden":   {"81.2.69.2", add(401), Refused, false, "forward UDP port 41234 to 127.0.0.1:41234"},
		"private and 501": {"10.0.0.3", add(501), PrivateWAN, false, "10.0.0.3"},
		"public and 501":  {"81.2.69.2", add(501), RouterBroken, false, "Restart the router"},
		"table full":      {"81.2.69.2", add(728), RouterBroken, false, "no room"},
		"402 to all":      {"81.2.69.2", add(402), RouterBroken, false, "DHCP"},
		"taken": {"81.2.69.2", func(r *routertest.Router) {
			r.Put(routertest.Entry{External: testPort, Internal: 1, Client: "127.0.0.40", Description: "nas"})
		}, Conflict, false, `already goes to 127.0.0.40 ("nas")`},
		"kept by router": {"81.2.69.2", add(729), Conflict, false, "keeps UDP 41234 for itself"},
		"nobody answers": {"81.2.69.2", func(r *routertest.Router) {
			r.Always(routertest.Search, func(map[string]string) routertest.Reply { return routertest.Reply{Drop: true} })
		}, NoIGD, false, "Switch UPnP on"},
		"answers nonsense": {"81.2.69.2", func(r *routertest.Router) {
			r.Always("AddPortMapping", func(map[string]string) routertest.Reply { return routertest.Reply{Body: "<html>"} })
		}, RouterBroken, false, "forward UDP port 41234"},
		"forgets at once": {"81.2.69.2", func(r *routertest.Router) {
			r.Always("AddPortMapping", func(map[string]string) routertest.Reply { return routertest.Reply{Lie: true} })
		}, RouterBroken, false, "doesn't keep the entry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			r.SetWAN(tt.wan)
			if tt.set != nil {
				tt.set(r)
			}
			m, stop := running(t, against(r))
			s := until(t, m, "verdict", func(s Status) bool { return s.Verdict != Starting })
			if s.Verdict != tt.want || (s.Mapping != nil) != tt.mapped || !strings.Contains(s.Advice, tt.advice) || (tt.advice == "") != (s.Advice == "") {
				t.Errorf("%v, mapping %+v, advice %q, problem %q", s.Verdict, s.Mapping, s.Advice, s.Problem)
			}
			if s.External.IsValid() && classify(s.External) != wanPublic {
				t.Errorf("published %v", s.External)
			}
			before := len(r.Entries())
			stop()
			if after := len(r.Entries()); tt.mapped && after != 0 || !tt.mapped && after != before {
				t.Errorf("%d entries before the end, %d after", before, after)
			}
		})
	}
}

func TestNoRouteIsNotAnError(t *testing.T) {
	m, stop := running(t, Config{Gateway: func() (Gateway, error) { return Gateway{}, ErrNoGateway }})
	s := until(t, m, "verdict", verdict(NoRouter))
	if s.Advice == "" || s.Mapping != nil {
		t.Errorf("%+v", s)
	}
	stop()
}

func TestEntryOfACrashedRunIsTakenOver(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Put(routertest.Entry{External: testPort, Internal: testPort, Client: self, Description: testDesc, Lease: time.Minute})
	r.Put(routertest.Entry{External: 50000, Internal: 50000, Client: self, Description: testDesc, Lease: time.Minute})
	m, stop := running(t, against(r))
	until(t, m, "mapping", verdict(Mapped))
	r.Await("DeletePortMapping", 1)
	stop()
	if got := r.Entries(); len(got) != 0 {
		t.Errorf("left behind %+v", got)
	}
	if r.Calls("DeletePortMapping") != 2 {
		t.Errorf("%d deletions", r.Calls("DeletePortMapping"))
	}
}

func TestEntryMadeByHandStays(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Put(routertest.Entry{External: testPort, Internal: testPort, Client: self, Description: "WireGuard"})
	m, stop := running(t, against(r))
	if s := until(t, m, "mapping", verdict(Mapped)); !s.Mapping.Foreign {
		t.Errorf("%+v", s.Mapping)
	}
	stop()
	if len(r.Entries()) != 1 || r.Calls("AddPortMapping")+r.Calls("DeletePortMapping") != 0 {
		t.Errorf("left %+v after %q", r.Entries(), r.Order())
	}
}

func TestRouterThatChangesDescriptions(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	m, stop := running(t, against(r))
	until(t, m, "mapping", verdict(Mapped))
	r.Put(routertest.Entry{External: testPort, Internal: testPort, Client: self, Description: "UPnP"})
	stop()
	if got := r.Entries(); len(got) != 0 {
		t.Errorf("left behind %+v", got)
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{Port: 1, Description: "a"}
	for name, change := range map[string]func(*Config){
		"no port":        func(c *Config) { c.Port = 0 },
		"no description": func(c *Config) { c.Description = "" },
		"odd":            func(c *Config) { c.Description = "a<b" },
		"long":           func(c *Config) { c.Description = strings.Repeat("a", 33) },
		"negative lease": func(c *Config) { c.Lease = -time.Second },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(good); err != nil {
		t.Error(err)
	}
	if s := Off(41234); s.Verdict != Disabled || !strings.Contains(s.Advice, "41234") {
		t.Errorf("%+v", s)
	}
}

func TestTransientRouteErrorKeepsTheMapping(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.setRoute(Gateway{}, errors.New("netlink: no buffer space"))
		w.sleep(2 * time.Minute)
		if s := w.m.Status(); s.Verdict != Mapped || w.seen().removed != 0 {
			t.Errorf("%+v, removed %d", s, w.seen().removed)
		}
	})
}

func TestFormerAddressIsRemembered(t *testing.T) {
	inBubble(t, func(w *world) {
		w.start()
		w.until(verdict(Mapped))
		w.set(func(r *memory) { r.refuseRemove = true })
		next := w.gw
		next.Self = netip.MustParseAddr("192.168.1.99")
		w.setRoute(next, nil)
		start := time.Now()
		s := w.until(func(s Status) bool { return s.Mapping != nil && s.Mapping.Internal.Addr() == next.Self })
		if time.Since(start) > time.Minute || !slices.Contains(w.seen().last.former, w.gw.Self) {
			t.Errorf("%+v after %v, former %v", s, time.Since(start), w.seen().last.former)
		}
	})
}
