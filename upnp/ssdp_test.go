package upnp

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

const goodAnswer = "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: upnp:rootdevice\r\nUSN: uuid:x::upnp:rootdevice\r\n" +
	"EXT:\r\nSERVER: Debian UPnP/1.1 MiniUPnPd/2.3.1\r\nLOCATION: http://192.168.1.1:41234/rootDesc.xml\r\nBOOTID.UPNP.ORG: 7\r\n\r\n"

func TestParseSSDP(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		want ssdpAnswer
		ok   bool
	}{
		"good": {goodAnswer, ssdpAnswer{location: "http://192.168.1.1:41234/rootDesc.xml", target: "upnp:rootdevice",
			server: "Debian UPnP/1.1 MiniUPnPd/2.3.1", bootID: 7}, true},
		"bare newlines, odd case": {"HTTP/1.0 200 OK\nLocation:http://192.168.1.1/d.xml\nst: a\n",
			ssdpAnswer{location: "http://192.168.1.1/d.xml", target: "a"}, true},
		"negative boot id": {"HTTP/1.1 200 OK\r\nLOCATION: http://1.1.1.1/\r\nBOOTID.UPNP.ORG: -1\r\n\r\n",
			ssdpAnswer{location: "http://1.1.1.1/"}, true},
		"notify":      {"NOTIFY * HTTP/1.1\r\nLOCATION: http://192.168.1.1/\r\n\r\n", ssdpAnswer{}, false},
		"error":       {"HTTP/1.1 500 Oops\r\nLOCATION: http://192.168.1.1/\r\n\r\n", ssdpAnswer{}, false},
		"no location": {"HTTP/1.1 200 OK\r\nST: x\r\n\r\n", ssdpAnswer{}, false},
		"empty":       {"", ssdpAnswer{}, false},
		"too long":    {goodAnswer + strings.Repeat("X: y\r\n", 500), ssdpAnswer{}, false},
	} {
		got, err := parseSSDP([]byte(tt.in))
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestLocationMustBeTheGateway(t *testing.T) {
	gw := netip.MustParseAddr("192.168.1.1")
	for raw, ok := range map[string]bool{
		"http://192.168.1.1/root.xml":          true,
		"http://192.168.1.1:80/":               true,
		"http://192.168.1.1:1900/ctl":          true,
		"http://192.168.1.1:22/":               false,
		"http://192.168.1.1:0/":                false,
		"http://192.168.1.1:70000/":            false,
		"https://192.168.1.1/":                 false,
		"ftp://192.168.1.1/":                   false,
		"http://user@192.168.1.1/":             false,
		"http://192.168.1.2/":                  false,
		"http://127.0.0.1:5000/":               false,
		"http://[::1]/":                        false,
		"http://[::ffff:192.168.1.1]/":         false,
		"http://router.lan/":                   false,
		"http://192.168.1.1.example.org/":      false,
		"http://3232235777/":                   false,
		"//192.168.1.1/":                       false,
		"http://192.168.1.1:80:80/":            false,
		"http://192.168.1.1\r\nX: y/":          false,
		"http://192.168.1.1@203.0.113.7:8080/": false,
	} {
		if u, err := pinnedURL(raw, gw); (err == nil) != ok {
			t.Errorf("pinnedURL(%q) = %v, %v", raw, u, err)
		}
	}
}

func FuzzSSDP(f *testing.F) {
	f.Add([]byte(goodAnswer))
	f.Add([]byte("HTTP/1.1 200 OK\r\nLOCATION: http://192.168.1.1@203.0.113.7/\r\n\r\n")) // a host in disguise
	f.Add([]byte("HTTP/1.1 200\r\n:\r\nLOCATION\r\nLOCATION: \x00http://192.168.1.1/"))   // lines without sense
	gw := netip.MustParseAddr("192.168.1.1")
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseSSDP(b)
		if err != nil {
			return
		}
		u, err := pinnedURL(a.location, gw)
		if err != nil {
			return
		}
		again, err := url.Parse(u.String())
		if err != nil || again.Hostname() != "192.168.1.1" || u.Scheme != "http" || u.User != nil {
			t.Errorf("accepted %q as %v", a.location, u)
		}
	})
}

// loop is the gateway that a fake router plays.
func loop(r *routertest.Router) Gateway {
	gw := Gateway{Addr: r.Addr(), Self: netip.MustParseAddr(self), Interface: "lo"}
	if gw.Addr.Is6() {
		gw.Self = netip.MustParseAddr(self6)
	}
	return gw
}

func (s *searcher) locations(ctx context.Context) (list []string, heard bool) {
	heard, _ = s.search(ctx, func(a ssdpAnswer, u *url.URL) bool {
		list = append(list, u.String())
		return true
	})
	return list, heard
}

func TestSearchReturnsAtTheFirstGoodAnswer(t *testing.T) {
	r := routertest.New(t, routertest.Options{Version: 1})
	s := &searcher{gw: loop(r), port: r.SSDPPort(), log: slog.New(slog.DiscardHandler)}
	start := time.Now()
	list, _ := s.locations(t.Context())
	if len(list) != 1 || time.Since(start) > atOnce {
		t.Errorf("found %q after %v", list, time.Since(start))
	}
}

func TestSearchIgnoresAnswersOfOthers(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, routertest.Options{})
	r.Always(routertest.Search, func(map[string]string) routertest.Reply {
		return routertest.Reply{From: netip.MustParseAddr("127.0.0.3"), Body: "HTTP/1.1 200 OK\r\nLOCATION: http://ADDR/root.xml\r\n\r\n"}
	})
	s := &searcher{gw: loop(r), port: r.SSDPPort(), log: slog.New(slog.DiscardHandler)}
	if list, heard := s.locations(t.Context()); len(list) > 0 || heard {
		t.Errorf("took %q from somebody else", list)
	}
	if n := r.Calls(routertest.Search); n != len(ssdpRounds)*len(ssdpTargets) {
		t.Errorf("asked %d times", n)
	}
}

// T06: another router on the LAN is told of, also when it answers a moment after the
// gateway, and never asked; what is no router is not told of.
func TestAnotherRouterIsListedAndNotAsked(t *testing.T) {
	t.Parallel()
	r := routertest.New(t, routertest.Options{Services: []routertest.Service{{Type: "WANIPConnection:2"}}})
	other := func(addr, target string) func(map[string]string) routertest.Reply {
		return func(map[string]string) routertest.Reply {
			return routertest.Reply{From: netip.MustParseAddr(addr), Body: "HTTP/1.1 200 OK\r\nST: " + target + "\r\nLOCATION: http://ADDR/root.xml\r\n\r\n"}
		}
	}
	const igd1 = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
	answers := []func(map[string]string) routertest.Reply{
		other("127.0.0.3", igd1),
		other("127.0.0.5", "upnp:rootdevice"), // a television
		always(routertest.Reply{Drop: true}),
		always(routertest.Reply{}), // the gateway, asked again
		other("127.0.0.4", igd1),
	}
	var mu sync.Mutex
	r.Always(routertest.Search, func(args map[string]string) routertest.Reply {
		mu.Lock()
		defer mu.Unlock()
		if len(answers) == 0 {
			return routertest.Reply{}
		}
		next := answers[0]
		answers = answers[1:]
		return next(args)
	})
	m, stop := running(t, against(r))
	s := until(t, m, "mapping", verdict(Mapped))
	stop()
	if got := fmt.Sprint(s.Others.Addrs()); got != "[127.0.0.3 127.0.0.4]" {
		t.Errorf("others: %s", got)
	}
	if s.Gateway.Addr != r.Addr() || s.Mapping.Via != "UPnP WANIPConnection:2" {
		t.Errorf("%+v", s)
	}
	o := &otherRouters{}
	for n := range 9 {
		o.note(Gateway{Addr: r.Addr()}, netip.AddrFrom4([4]byte{192, 168, 1, byte(n + 1)}), igd1)
		o.note(Gateway{Addr: r.Addr()}, netip.AddrFrom4([4]byte{192, 168, 1, 1}), igd1)
	}
	if got := o.of(r.Addr()).Addrs(); len(got) != 4 || got[3].String() != "192.168.1.4" || len(o.of(otherAddr).Addrs()) != 0 {
		t.Errorf("%v", got)
	}
}

func TestSearchEndsWithItsContext(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	r.Always(routertest.Search, func(map[string]string) routertest.Reply {
		cancel()
		return routertest.Reply{Drop: true}
	})
	s := &searcher{gw: loop(r), port: r.SSDPPort(), log: slog.New(slog.DiscardHandler)}
	start := time.Now()
	if s.locations(ctx); time.Since(start) > atOnce {
		t.Errorf("took %v", time.Since(start))
	}
}
