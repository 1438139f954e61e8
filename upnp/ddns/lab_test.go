package ddns

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// The lab is an internet on loopback: a DNS server that knows every name there is,
// web servers with certificates for them, and a dialler that sends each public
// address to its server and refuses all others. Nothing leaves the machine.
type lab struct {
	t    *testing.T
	dns  *fakeDNS
	ca   *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool

	mu     sync.Mutex
	routes map[string]string // "network address:port" of the lab's internet to loopback
	dialed []string
	next   byte
}

const (
	home4 = "93.184.216.34"
	old4  = "93.184.216.99"
	home6 = "2606:2800:220:1::1"
	old6  = "2606:2800:220:1::99"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

var _ Resolver = (*net.Resolver)(nil)

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t, routes: map[string]string{}, dns: newFakeDNS(t)}
	l.key, l.ca = newCA(t)
	l.pool = x509.NewCertPool()
	l.pool.AddCert(l.ca)
	return l
}

func newCA(t *testing.T) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, ca
}

func (l *lab) certificate(host string) tls.Certificate {
	l.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		l.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, l.ca, key.Public(), l.key)
	if err != nil {
		l.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// publicAddr gives out addresses of the lab's internet.
func (l *lab) publicAddr() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return fmt.Sprintf("45.0.0.%d", l.next)
}

func (l *lab) route(network, public, loopback string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.routes[network+" "+public] = loopback
}

// dial is the only way out that the code under test has.
func (l *lab) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	to, ok := l.routes[network+" "+address]
	l.dialed = append(l.dialed, address)
	l.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("dialling %s %s: connection refused", network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, to)
}

func (l *lab) dials() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.dialed...)
}

func (l *lab) seams() seams {
	return seams{
		resolver: l.dns.resolver(), dial: l.dial, allow: mayDial, roots: l.pool,
		jitter: func(d time.Duration) time.Duration { return d }, timeout: 5 * time.Second,
	}
}

// web is a scriptable provider. Replies are used up; the last one stays.
type web struct {
	mu      sync.Mutex
	replies []answer
	seen    []*http.Request
	bodies  []string
}

type answer struct {
	status int
	body   string
	header map[string]string
	hang   bool
}

func (w *web) script(a ...answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replies = a
}

func (w *web) requests() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*http.Request(nil), w.seen...)
}

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	w.mu.Lock()
	w.seen = append(w.seen, r)
	w.bodies = append(w.bodies, string(body))
	a := answer{status: http.StatusTeapot}
	if len(w.replies) > 0 {
		a = w.replies[0]
		if len(w.replies) > 1 {
			w.replies = w.replies[1:]
		}
	}
	w.mu.Unlock()
	if a.hang {
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // or an empty answer goes out while the client hangs up
	}
	for k, v := range a.header {
		rw.Header().Set(k, v)
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	rw.WriteHeader(a.status)
	_, _ = io.WriteString(rw, a.body)
}

// site puts a web server on the lab's internet under a name.
func (l *lab) site(host string, h http.Handler) { l.siteCert(host, h, l.certificate(host)) }

func (l *lab) siteCert(host string, h http.Handler, cert tls.Certificate) {
	l.t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	l.t.Cleanup(s.Close)
	public := l.publicAddr()
	l.dns.set(host, "A", public)
	l.route("tcp", public+":443", s.Listener.Addr().String())
}

// updater makes one that lives in the lab.
func (l *lab) updater(c Config) *Updater {
	l.t.Helper()
	u, err := newUpdater(c, l.seams())
	if err != nil {
		l.t.Fatal(err)
	}
	return u
}

func (l *lab) publisher(c Config) publisher { return l.updater(c).publisher }
