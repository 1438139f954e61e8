package ddns

import (
	"strings"
	"testing"
	"time"
)

// zoneLab has example.org on two servers, which are the same one.
func zoneLab(t *testing.T) *lab {
	l := newLab(t)
	l.dns.set("example.org", "NS", "ns1.example.net.", "ns2.example.net.")
	for _, ns := range []string{"ns1", "ns2"} {
		public := l.publicAddr()
		l.dns.set(ns+".example.net", "A", public)
		l.route("udp", public+":53", l.dns.addr)
		l.route("tcp", public+":53", l.dns.addr)
	}
	l.dns.set("home.example.org", "A", home4)
	return l
}

func (l *lab) authority() *authority {
	s := l.seams()
	s.timeout = time.Second
	return &authority{name: "home.example.org", seams: s}
}

func TestAuthorityIsFoundAndAsked(t *testing.T) {
	l := zoneLab(t)
	l.dns.set("home.example.org", "AAAA", home6)
	views, err := l.authority().ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(views) != 2 || views[0].server != "ns1.example.net" || views[1].records() != (Records{addr(home4), addr(home6)}) {
		t.Fatalf("views = %+v", views)
	}
	v := views[0]
	if !v.shows(Records{A: addr(home4)}) || v.exact(Records{A: addr(home4)}) || !v.exact(v.records()) || v.shows(Records{A: addr(old4)}) {
		t.Errorf("view = %+v is judged wrongly", v)
	}
}

func TestAuthorityFallsBackToTCP(t *testing.T) {
	l := zoneLab(t)
	l.dns.change(func() { l.dns.truncate = true })
	views, err := l.authority().ask(t.Context())
	if err != nil || !views[0].exact(Records{A: addr(home4)}) {
		t.Fatalf("views = %+v, %v", views, err)
	}
	l.dns.change(func() {
		if l.dns.tcpQueries != 4 {
			t.Errorf("%d queries over TCP, want 4", l.dns.tcpQueries)
		}
	})
}

func TestOneDeadServerDoesNotHideTheOther(t *testing.T) {
	l := zoneLab(t)
	l.dns.set("ns1.example.net", "A", "45.0.0.200") // nobody there
	views, err := l.authority().ask(t.Context())
	if err != nil || len(views) != 1 || views[0].server != "ns2.example.net" {
		t.Fatalf("views = %+v, %v", views, err)
	}
}

func TestAuthorityFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*lab)
		words string
	}{
		{"something answers in its place", func(l *lab) { l.dns.notAuthority = true }, "not the server's own"},
		{"other question", func(l *lab) { l.dns.wrongName = true }, "another question"},
		{"silence", func(l *lab) { l.dns.silent = true }, "in time"},
		{"no such zone", func(l *lab) { l.dns.records["example.org. NS"] = nil }, "knows none"},
		{"server in the home", func(l *lab) {
			l.dns.records["ns1.example.net. A"] = []string{"192.168.1.1"}
			l.dns.records["ns2.example.net. A"] = []string{"127.0.0.1"}
			l.routes["udp 192.168.1.1:53"], l.routes["udp 127.0.0.1:53"] = l.dns.addr, l.dns.addr
		}, "not an address on the internet"},
		{"server without address", func(l *lab) {
			l.dns.records["ns1.example.net. A"], l.dns.records["ns2.example.net. A"] = nil, nil
		}, "no such host"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := zoneLab(t)
			if _, err := l.authority().ask(t.Context()); err != nil {
				t.Fatalf("the control fails: %v", err)
			}
			l.dns.change(func() { c.spoil(l) })
			views, err := l.authority().ask(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("views = %v, error = %v, want %q in it", views, err, c.words)
			}
		})
	}
}

func TestAliasIsTold(t *testing.T) {
	l := zoneLab(t)
	l.dns.set("home.example.org", "A")
	l.dns.set("home.example.org", "CNAME", "elsewhere.example.")
	views, err := l.authority().ask(t.Context())
	if err != nil || views[0].words() != "an alias of elsewhere.example" {
		t.Fatalf("views = %+v, %v", views, err)
	}
}
