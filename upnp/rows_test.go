package upnp

import (
	"net/netip"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// T04, T05: routers that answer a search from another port than they were asked at
// (TP-Link ER605), or to one kind of search only (Sagemcom, Eero).
func TestOddAnswersToASearchAreTaken(t *testing.T) {
	t.Parallel()
	only := func(targets ...string) func(map[string]string) routertest.Reply {
		return func(args map[string]string) routertest.Reply {
			for _, target := range targets {
				if args["ST"] == target {
					return routertest.Reply{}
				}
			}
			return routertest.Reply{Drop: true}
		}
	}
	for name, tt := range map[string]struct {
		search func(map[string]string) routertest.Reply
		found  bool
	}{
		"T04: from another port": {func(map[string]string) routertest.Reply {
			return routertest.Reply{From: netip.MustParseAddr("127.0.0.2")}
		}, true},
		"T05: the root device only": {only("upnp:rootdevice"), true},
		"T05: the newest type only": {only("urn:schemas-upnp-org:device:InternetGatewayDevice:2"), true},
		"negative control: from elsewhere": {func(map[string]string) routertest.Reply {
			return routertest.Reply{From: netip.MustParseAddr("127.0.0.3")}
		}, false},
		"negative control: to none of them": {only(), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			r.Always(routertest.Search, tt.search)
			start := time.Now()
			if _, a := probe(t, r); a.ok() != tt.found || time.Since(start) > 15*time.Second {
				t.Errorf("%+v after %v", a, time.Since(start))
			}
		})
	}
}

// T45: the line is down for ten minutes: that is told, the port stays asked for, and
// half a minute after it is up all is well again, with no entry more.
func TestALineThatWasDownIsBackSoon(t *testing.T) {
	for name, down := range map[string]func(*memory){
		"no address":  func(m *memory) { m.wan = netip.Addr{} },
		"501, 3 or 7": func(m *memory) { m.wanAnswer = answer{outcome: failed} },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.start()
				first := w.until(verdict(Mapped)).WAN
				w.set(down)
				if s := w.until(verdict(NoWAN)); s.External.IsValid() || s.Advice == "" {
					t.Errorf("%+v", s)
				}
				w.sleep(10 * time.Minute)
				w.set(func(m *memory) { m.wan, m.wanAnswer = first, answer{} })
				up := time.Now()
				w.until(verdict(Mapped))
				if took := time.Since(up); took > 35*time.Second {
					t.Errorf("back after %v", took)
				}
				if n := w.seen(); n.adds != 1 || n.probes != 1 {
					t.Errorf("asked %d times, searched %d times", n.adds, n.probes)
				}
			})
		})
	}
}

// T49: a clock that was wrong when the notes were written, or is wrong now, by a year
// or by fifty: what they tell of is taken over and given back all the same.
func TestAWrongClockLosesNothing(t *testing.T) {
	for name, off := range map[string]time.Duration{
		"a year ahead": 365 * 24 * time.Hour, "a year behind": -365 * 24 * time.Hour, "1970": -30 * 365 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			r.Put(routertest.Entry{External: testPort, Internal: testPort, Client: self, Description: testDesc, Lease: time.Minute})
			note := Note{Gateway: r.Addr(), Via: "UPnP WANIPConnection:2", Client: netip.MustParseAddr(self), Port: testPort, Description: testDesc,
				Until: time.Now().Add(off).Round(0)}
			b := &notebook{notes: []Note{note}}
			c := against(r)
			c.Journal = b
			m, stop := running(t, c)
			s := until(t, m, "mapping", verdict(Mapped))
			if s.Mapping.Foreign || s.Mapping.Granted != time.Hour {
				t.Errorf("%+v", s.Mapping)
			}
			stop()
			if list := r.Entries(); len(list) != 0 || len(b.all()) != 0 {
				t.Errorf("left %+v, noted %+v", list, b.all())
			}
		})
	}
}
