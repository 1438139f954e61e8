package listen

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	c, k, err := NewCertificate([]string{"nas.local"}, []netip.Addr{netip.MustParseAddr("127.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(c, k)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// start serves "hello" by TLS on a loopback port.
func start(t *testing.T, allowed func(string) bool) (addr string, pool *x509.CertPool) {
	t.Helper()
	pair := certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })}
	both := TLSOrRedirect(l, &tls.Config{Certificates: []tls.Certificate{pair}}, allowed)
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(both) }()
	t.Cleanup(func() { srv.Close(); both.Close(); <-done })
	pool = x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	return l.Addr().String(), pool
}

func client(t *testing.T, pool *x509.CertPool) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestOnePortSpeaksTLSAndSendsPlainHTTPThere(t *testing.T) {
	addr, pool := start(t, func(h string) bool { return strings.HasPrefix(h, "127.0.0.1:") })
	c := client(t, pool)
	resp, err := c.Get("https://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(body) != "hello" {
		t.Errorf("body by TLS = %q", body)
	}
	resp, err = c.Get("http://" + addr + "/setup?x=1")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got, want := resp.Header.Get("Location"), "https://"+addr+"/setup?x=1"; got != want || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("plain HTTP: %d to %q, want a redirect to %q", resp.StatusCode, got, want)
	}
}

func TestPlainHTTPWithAForeignHostGetsNoAnswer(t *testing.T) {
	addr, pool := start(t, func(string) bool { return false })
	if resp, err := client(t, pool).Get("http://" + addr + "/"); err == nil {
		resp.Body.Close()
		t.Errorf("answered %d, want the connection cut", resp.StatusCode)
	}
}

func TestCloseDoesNotWaitForASilentClient(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	both := TLSOrRedirect(l, &tls.Config{}, func(string) bool { return true })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	closed := make(chan struct{})
	go func() { both.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Fatal("Close still waits after a minute")
	}
	if _, err := both.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
}

func TestFingerprintHasTheFormThatBrowsersShow(t *testing.T) {
	f, err := Fingerprint(certificate(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(f) != 95 || f != strings.ToUpper(f) || strings.Count(f, ":") != 31 {
		t.Errorf("fingerprint = %q", f)
	}
}

func TestCertificateIsValidEvenInTheYear1970PlusFifty(t *testing.T) {
	leaf := certificate(t).Leaf
	if leaf.NotBefore.Year() > 2020 || leaf.NotAfter.Year() < 2050 {
		t.Errorf("valid %v to %v", leaf.NotBefore, leaf.NotAfter)
	}
}

func TestGroupFollowsTheAddresses(t *testing.T) {
	var mu sync.Mutex
	wanted := []netip.AddrPort{free(t, "127.0.0.1")}
	second := free(t, "127.0.0.2")
	srv := &http.Server{Handler: http.NotFoundHandler()}
	defer srv.Close()
	g, err := Bind(Config{Server: srv, Logger: slog.New(slog.DiscardHandler), Wanted: func() ([]netip.AddrPort, error) {
		mu.Lock()
		defer mu.Unlock()
		return wanted, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	first := wanted[0]
	if a := g.Addresses(); len(a) != 1 || a[0] != first {
		t.Errorf("listens on %v, want %v", a, first)
	}
	mu.Lock()
	wanted = []netip.AddrPort{second}
	mu.Unlock()
	if err := g.reconcile(); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", first.String()); err == nil {
		c.Close()
		t.Error("the old address still answers")
	}
	c, err := net.Dial("tcp", second.String())
	if err != nil {
		t.Fatalf("the new address: %v", err)
	}
	c.Close()
}

func TestBindNamesThePortThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := netip.MustParseAddrPort(l.Addr().String())
	_, err = Bind(Config{Server: &http.Server{}, Logger: slog.New(slog.DiscardHandler), Wanted: func() ([]netip.AddrPort, error) { return []netip.AddrPort{at}, nil }})
	if err == nil || !strings.Contains(err.Error(), at.String()) || !strings.Contains(err.Error(), "--admin-port") {
		t.Errorf("error = %v, want one that names %v and what to do", err, at)
	}
}

// free returns a port of addr that nobody uses.
func free(t *testing.T, addr string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", addr+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return netip.MustParseAddrPort(l.Addr().String())
}

func TestSlowClientsAreCut(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	s := NewServer(http.NotFoundHandler(), quiet)
	for name, d := range map[string]time.Duration{"header": s.ReadHeaderTimeout, "body": s.ReadTimeout, "answer": s.WriteTimeout, "idle": s.IdleTimeout} {
		if d <= 0 || d > time.Minute {
			t.Errorf("the bound of the %s is %v", name, d)
		}
	}
	s.ReadHeaderTimeout = 50 * time.Millisecond // what is tested is that it counts
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n") // and no more
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if rest, err := io.ReadAll(c); err != nil {
		t.Errorf("it is not cut: %q, %v", rest, err)
	}
}
