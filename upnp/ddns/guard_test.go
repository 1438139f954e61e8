package ddns

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func hook(host string) Config {
	return Config{Provider: Custom, Name: "home.example.org", Credentials: NewCredentials("", "https://"+host+"/u?t="+token+"&a={ip4}")}
}

// targets are where a URL must never lead.
func targets() []string {
	return []string{
		"127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::", "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.100.100.200",
		"169.254.169.254", "fe80::1", "fd00:ec2::254", "168.63.129.16", "192.0.0.192", "224.0.0.1", "ff02::1",
		"255.255.255.255", "192.0.2.1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
		"64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::808:808", "2002:7f00:1::1", "2001:0:7f00:1::1", "fec0::1", "240.0.0.1",
	}
}

func TestAddressFilter(t *testing.T) {
	for _, a := range targets() {
		if mayDial(addr(a)) {
			t.Errorf("%s may be dialled", a)
		}
		if isPublic(addr(a)) {
			t.Errorf("%s may be published", a)
		}
	}
	if mayDial(netip.Addr{}) || mayDial(addr("2606:4700::1%eth0")) {
		t.Error("no address, or one with a zone, may be dialled")
	}
	for _, a := range []string{"1.1.1.1", home4, home6, "2a00:1450::1", "::ffff:1.1.1.1"} { // control
		if !mayDial(addr(a)) || !isPublic(addr(a)) {
			t.Errorf("%s is refused", a)
		}
	}
	if nat64 := addr("64:ff9b::101:101"); !mayDial(nat64) || isPublic(nat64) {
		t.Error("a NAT64 address of a public one may be dialled, and not be published")
	}
}

// A name that leads into the home is refused before anything is dialled; without
// the filter the same request arrives.
func TestCustomURLNeverReachesIntoTheHome(t *testing.T) {
	for _, target := range targets() {
		for _, filtered := range []bool{true, false} {
			t.Run(target, func(t *testing.T) {
				l, w := newLab(t), &web{}
				l.site("hook.example.net", w)
				loopback := l.routes["tcp 45.0.0.1:443"]
				a, typ := addr(target), "A"
				if a.Is6() {
					typ = "AAAA"
				}
				l.dns.set("hook.example.net", "A")
				l.dns.set("hook.example.net", typ, target)
				l.route("tcp", net.JoinHostPort(a.Unmap().String(), "443"), loopback)
				w.script(answer{body: "good"})
				s := l.seams()
				if !filtered {
					s.allow = allowAll
				}
				u, err := newUpdater(hook("hook.example.net"), s)
				if err != nil {
					t.Fatal(err)
				}
				err = u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{})
				if !filtered {
					if err != nil || len(w.requests()) != 1 {
						t.Fatalf("the control fails: %v", err)
					}
					return
				}
				wantFault(t, err, temporary, "not an address on the internet", token)
				if len(w.requests()) > 0 || len(l.dials()) > 0 {
					t.Errorf("dialled %v", l.dials())
				}
			})
		}
	}
}

func TestAddressesWrittenIntoTheURLAreFilteredToo(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:169.254.169.254]", "192.168.1.1:8443", "[fd00:ec2::254]", "2130706433", "0x7f.1", "localhost"} {
		l := newLab(t)
		u, err := newUpdater(hook(host), l.seams())
		if err != nil {
			continue // refused even before
		}
		if err := u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{}); err == nil {
			t.Errorf("%s: no fault", host)
		}
		if d := l.dials(); len(d) > 0 {
			t.Errorf("%s: dialled %v", host, d)
		}
	}
}

// turncoat answers the first lookup with a public address and all others with one
// in the home, as DNS rebinding does.
type turncoat struct {
	Resolver
	first   string
	lookups int
	host    string
}

func (r *turncoat) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	r.lookups++
	r.host = host
	if r.lookups == 1 {
		return []netip.Addr{addr(r.first)}, nil
	}
	return []netip.Addr{addr("127.0.0.1")}, nil
}

func TestTheCheckedAddressIsTheOneDialled(t *testing.T) {
	l, w := newLab(t), &web{}
	l.site("hook.example.net", w)
	w.script(answer{body: "good"})
	s := l.seams()
	r := &turncoat{first: "45.0.0.1"}
	s.resolver = r
	u, err := newUpdater(hook("hook.example.net"), s)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{}); err != nil {
		t.Fatal(err)
	}
	if r.host != "hook.example.net." {
		t.Errorf("looked up %q, which a search list may lengthen", r.host)
	}
	if d := l.dials(); r.lookups != 1 || !slices.Equal(d, []string{"45.0.0.1:443"}) {
		t.Errorf("%d lookups, dialled %v: want one of each", r.lookups, d)
	}
	err = u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{})
	wantFault(t, err, temporary, "not an address on the internet", token)
}

func TestOnlyPublicOnesOfSeveralAddressesAreDialled(t *testing.T) {
	l, w := newLab(t), &web{}
	l.site("hook.example.net", w)
	l.dns.set("hook.example.net", "A", "127.0.0.1", "45.0.0.9", "45.0.0.1") // .9 does not answer
	w.script(answer{body: "good"})
	if err := l.publisher(hook("hook.example.net")).publish(t.Context(), Records{A: addr(home4)}, Records{}); err != nil {
		t.Fatal(err)
	}
	if d := l.dials(); slices.Contains(d, "127.0.0.1:443") || !slices.Contains(d, "45.0.0.1:443") {
		t.Errorf("dialled %v", d)
	}
}

func TestTLSIsVerified(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(l *lab, w http.Handler, s *seams)
	}{
		{"other name", func(l *lab, w http.Handler, _ *seams) {
			l.siteCert("hook.example.net", w, l.certificate("other.example.net"))
		}},
		{"unknown authority", func(l *lab, w http.Handler, s *seams) {
			l.site("hook.example.net", w)
			s.roots = newLab(l.t).pool
		}},
		{"", func(l *lab, w http.Handler, _ *seams) { l.site("hook.example.net", w) }}, // control
	} {
		l, w := newLab(t), &web{}
		w.script(answer{body: "good"})
		s := l.seams()
		c.spoil(l, w, &s)
		u, err := newUpdater(hook("hook.example.net"), s)
		if err != nil {
			t.Fatal(err)
		}
		err = u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{})
		if c.name == "" {
			if err != nil || len(w.requests()) != 1 {
				t.Errorf("the control fails: %v", err)
			}
			continue
		}
		wantFault(t, err, temporary, "certificate", token)
		if len(w.requests()) > 0 {
			t.Errorf("%s: the secret was sent", c.name)
		}
	}
}

func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("https_proxy", "http://127.0.0.1:1")
	l, w := newLab(t), &web{}
	l.site("hook.example.net", w)
	w.script(answer{body: "good"})
	u := l.updater(hook("hook.example.net"))
	if err := u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{}); err != nil {
		t.Fatal(err)
	}
	// control: with the standard proxy function the request leaves by another way
	transport := u.publisher.(*custom).client.http.Transport.(*http.Transport)
	if transport.Proxy != nil { // net/http reads the environment once per process: ask directly, too
		t.Error("there is a proxy function")
	}
	transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://10.0.0.1:1") }
	if err := u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{}); err == nil {
		t.Error("the control fails: a proxy would not have been noticed")
	}
}

func TestUnknownHost(t *testing.T) {
	l := newLab(t)
	err := l.publisher(hook("nowhere.example.net")).publish(t.Context(), Records{A: addr(home4)}, Records{})
	wantFault(t, err, temporary, "nowhere.example.net", token)
}

// A server that takes the connection and says nothing costs ten seconds.
func TestARequestTakesTenSecondsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := realSeams(&turncoat{first: "45.0.0.1"})
		s.dial = func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			t.Cleanup(func() { _ = there.Close() })
			go func() { // reads all, says nothing
				buf := make([]byte, 1024)
				for {
					if _, err := there.Read(buf); err != nil {
						return
					}
				}
			}()
			return here, nil
		}
		u, err := newUpdater(hook("hook.example.net"), s)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		err = u.publisher.publish(t.Context(), Records{A: addr(home4)}, Records{})
		wantFault(t, err, temporary, "did not answer within 10s", token)
		if took := time.Since(start); took > requestTime {
			t.Errorf("it took %v", took)
		}
	})
}

func TestNothingIsLeftOfAWordTheProviderRepeats(t *testing.T) {
	secret := "p/ss w+rd?&"
	scrub := NewCredentials("user", secret).scrubber()
	for _, form := range []string{secret, "p%2Fss+w%2Brd%3F%26", "p%2Fss%20w+rd%3F&", "dXNlcjpwL3NzIHcrcmQ/Jg=="} {
		if got := scrub("before " + form + " after"); got != "before "+redacted+" after" {
			t.Errorf("%q became %q", form, got)
		}
	}
	if got := scrub("nothing to hide"); got != "nothing to hide" { // control
		t.Errorf("became %q", got)
	}
	scrub = NewCredentials("", "https://u:passwort@h.example/path-token-1/x?key=query-token&n={name}").scrubber()
	got := scrub("passwort path-token-1 query-token x {name}")
	if strings.Contains(got, "token") || strings.Contains(got, "passwort") || !strings.HasSuffix(got, " x {name}") {
		t.Errorf("became %q", got)
	}
}
