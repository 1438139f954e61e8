package upnp

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// forgetful is a router of the kind of server that it says, whose firewall is loaded
// anew when the test says so: it shows our entry until it writes another rule.
func forgetful(t *testing.T, server string) (r *routertest.Router, reload func()) {
	r = routertest.New(t, routertest.Options{})
	r.Always(routertest.Search, func(args map[string]string) routertest.Reply {
		return routertest.Reply{Body: "HTTP/1.1 200 OK\r\nST: " + args["ST"] + "\r\nSERVER: " + server + "\r\nLOCATION: http://ADDR/root.xml\r\n\r\n"}
	})
	var reloaded, noticed atomic.Bool
	r.Always("AddPortMapping", func(args map[string]string) routertest.Reply {
		if args["NewExternalPort"] != "41234" {
			noticed.Store(reloaded.Load())
		} else if noticed.Load() {
			reloaded.Store(false)
			noticed.Store(false)
		}
		return routertest.Reply{}
	})
	r.Always("GetSpecificPortMappingEntry", func(args map[string]string) routertest.Reply {
		if args["NewExternalPort"] == "41234" && noticed.Load() {
			return routertest.Reply{Fault: 714}
		}
		return routertest.Reply{}
	})
	return r, func() { reloaded.Store(true) }
}

// T42 by UPnP alone: a router that shows our entry from memory is made to look at its
// rules, without touching the entry, where it is of that kind and it is time.
func TestARouterThatAnswersFromMemoryIsMadeToLook(t *testing.T) {
	t.Parallel()
	const mini = "Debian/12 UPnP/1.1 MiniUPnPd/2.3.1"
	for name, tt := range map[string]struct {
		server string
		since  time.Duration // the last time
		before func(*igdSession)
		want   outcome
	}{
		"it is time":                         {mini, stirEvery, nil, notThere},
		"not yet":                            {mini, stirEvery - 10*time.Second, nil, done},
		"its address has changed":            {mini, 0, func(s *igdSession) { s.stirring.soon = true }, notThere},
		"it was of use before":               {mini, stirOften, func(s *igdSession) { s.stirring.often = time.Now().Add(time.Hour) }, notThere},
		"other routers' logs are not filled": {"Linux UPnP/1.0 FRITZ!Box", stirEvery, nil, done},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, reload := forgetful(t, tt.server)
			s := open(t, r).(*igdSession)
			w := testWant()
			if _, a := s.add(hurried(t.Context()), w); !a.ok() {
				t.Fatalf("%+v", a)
			}
			w.held = true
			if _, a := s.check(hurried(t.Context()), w); !a.ok() {
				t.Fatalf("at the first look: %+v", a)
			}
			reload()
			s.stirring.last = time.Now().Add(-tt.since)
			if tt.before != nil {
				tt.before(s)
			}
			_, a := s.check(hurried(t.Context()), w)
			if a.outcome != tt.want || a.outcome == notThere && !strings.Contains(a.problem, "loaded anew") {
				t.Errorf("%+v", a)
			}
			if stirred := r.Calls("DeletePortMapping") == 1; stirred != (tt.want == notThere) {
				t.Errorf("asked %q", r.Order())
			}
			if list := r.Entries(); len(list) != 1 || list[0].External != testPort {
				t.Errorf("left %+v", list)
			}
			if often := s.stirring.often.After(time.Now().Add(stirFor - time.Minute)); often != (tt.want == notThere) {
				t.Errorf("often until %v", s.stirring.often)
			}
		})
	}
}

// A port that somebody has, or that is refused, is left alone.
func TestMakingARouterLookTakesNothing(t *testing.T) {
	t.Parallel()
	for name, action := range map[string]string{"taken": "GetSpecificPortMappingEntry", "refused": "AddPortMapping"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			s := open(t, r).(*igdSession)
			reply := routertest.Reply{Lie: true} // there is something
			if action == "AddPortMapping" {
				reply = routertest.Reply{Fault: 606}
			}
			r.Always(action, func(map[string]string) routertest.Reply { return reply })
			if s.stir(hurried(t.Context()), testWant()) || r.Calls("DeletePortMapping") != 0 {
				t.Errorf("asked %q", r.Order())
			}
		})
	}
}

// What a router tells of its address decides when it is made to look.
func TestAnotherAddressIsAReasonToLook(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	s := open(t, r).(*igdSession)
	for _, tt := range []struct {
		wan  string
		want bool
	}{{"81.2.69.2", false}, {"81.2.69.2", false}, {"81.2.69.77", true}} {
		r.SetWAN(tt.wan)
		if s.external(hurried(t.Context())); s.stirring.soon != tt.want {
			t.Errorf("%s: soon %t", tt.wan, s.stirring.soon)
		}
	}
}
