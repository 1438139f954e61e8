package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"homeward/cmd/homeward/internal/hostnet"
	"homeward/configs"
	"homeward/configs/state"
	"homeward/web/guard"
	"homeward/web/listen"
)

// Files of the page's certificate in the state directory.
const (
	certFile = state.PageCertFile
	keyFile  = state.PageKeyFile
)

// pageSockets are the sockets of the admin page, or of what stands in for it.
type pageSockets struct {
	http        *http.Server
	sockets     *listen.Group
	base        string // https://192.168.1.5:8377
	fingerprint string // empty without TLS
	words       string // the same to read aloud
}

// openPageSockets opens them for a handler.
func openPageSockets(st *state.State, s configs.Settings, host hostnet.Host, h http.Handler, log *slog.Logger) (*pageSockets, error) {
	names := func() []string { return pageNames(s) }
	p := &pageSockets{http: listen.NewServer(h, log)}
	cfg := listen.Config{Server: p.http, Wanted: func() ([]netip.AddrPort, error) { return pageAddresses(s) }, Logger: log}
	scheme := "http"
	if !s.PlainHTTP {
		cert, err := certificate(st, names(), host.Private(), log)
		if err != nil {
			return nil, err
		}
		if p.fingerprint, err = listen.Fingerprint(cert); err != nil {
			return nil, err
		}
		if p.words, err = listen.Words(cert); err != nil {
			return nil, err
		}
		scheme = "https"
		secure := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		cfg.Wrap = func(l net.Listener) net.Listener {
			return listen.TLSOrRedirect(l, secure, guard.Hosts{Names: names}.Allowed)
		}
	}
	var err error
	if p.sockets, err = listen.Bind(cfg); err != nil {
		return nil, err
	}
	at := host.Preferred()
	if len(s.Bind) > 0 {
		at = s.Bind[0]
	}
	p.base = scheme + "://" + net.JoinHostPort(at.String(), strconv.Itoa(int(s.AdminPort)))
	return p, nil
}

// Close closes sockets that were opened and are not served after all.
func (p *pageSockets) Close() {
	p.sockets.Close()
	p.http.Close()
}

// Run serves until ctx ends.
func (p *pageSockets) Run(ctx context.Context) error {
	err := p.sockets.Run(ctx)
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if p.http.Shutdown(bound) != nil {
		p.http.Close()
	}
	return err
}

// pageNames are the names by which the page may be opened.
func pageNames(s configs.Settings) []string {
	names := append([]string{}, s.AdminHosts...)
	if h, err := os.Hostname(); err == nil && h != "" {
		h = strings.ToLower(h)
		short, _, _ := strings.Cut(h, ".")
		names = append(names, h, short, short+".local", short+".lan", short+".home.arpa")
	}
	return names
}

// pageAddresses is where the page should listen now.
func pageAddresses(s configs.Settings) ([]netip.AddrPort, error) {
	addrs := s.Bind
	if len(addrs) == 0 {
		host, err := hostnet.Read(s.Interface)
		if err != nil {
			return nil, err
		}
		addrs = host.Private()
	}
	var list []netip.AddrPort
	for _, a := range addrs {
		list = append(list, netip.AddrPortFrom(a, s.AdminPort))
	}
	return list, nil
}

// certificate reads the page's certificate, or makes it at the first start. It
// is kept, since people compared its fingerprint.
func certificate(st *state.State, names []string, addrs []netip.Addr, log *slog.Logger) (tls.Certificate, error) {
	certPEM, haveCert, err := st.ReadFile(certFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyPEM, haveKey, err := st.ReadFile(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	if haveCert && haveKey {
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		if err == nil {
			return pair, nil
		}
		log.Warn("the admin page's certificate cannot be read and is made anew", "err", err)
	}
	if certPEM, keyPEM, err = listen.NewCertificate(names, addrs); err != nil {
		return tls.Certificate{}, err
	}
	if err := errors.Join(st.WriteFile(keyFile, keyPEM), st.WriteFile(certFile, certPEM)); err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certPEM, keyPEM)
}
