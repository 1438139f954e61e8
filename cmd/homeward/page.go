package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
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
	"homeward/configs/backup"
	"homeward/configs/state"
	"homeward/web"
	"homeward/web/account"
	"homeward/web/api"
	"homeward/web/guard"
	"homeward/web/listen"
)

// Files of the page's certificate in the state directory.
const (
	certFile = state.PageCertFile
	keyFile  = state.PageKeyFile
)

// adminPage is the admin page with its sockets.
type adminPage struct {
	api.Restorer
	account     *account.Account
	web         *web.Server
	http        *http.Server
	sockets     *listen.Group
	base        string // https://192.168.1.5:8377
	fingerprint string // empty without TLS
}

// openPage makes the page and opens its sockets.
func (a *appliance) openPage(host hostnet.Host) (*adminPage, error) {
	names := func() []string { return pageNames(a.settings) }
	secure := !a.settings.PlainHTTP
	p := &adminPage{Restorer: a.restorer}
	var err error
	if p.account, err = account.New(account.Config{DB: a.state.DB(), Logger: a.log}); err != nil {
		return nil, err
	}
	p.web, err = web.New(web.Config{Config: a.api(), Account: p.account, Restorer: a.restorer, MaxBackup: backup.MaxSize, Names: names, Secure: secure})
	if err != nil {
		return nil, err
	}
	p.http = listen.NewServer(p.web.Handler(), a.log)
	sockets := listen.Config{Server: p.http, Wanted: func() ([]netip.AddrPort, error) { return pageAddresses(a.settings) }, Logger: a.log}
	scheme := "http"
	if secure {
		cert, err := certificate(a.state, names(), host.Private(), a.log)
		if err != nil {
			return nil, err
		}
		if p.fingerprint, err = listen.Fingerprint(cert); err != nil {
			return nil, err
		}
		scheme = "https"
		cfg := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
		sockets.Wrap = func(l net.Listener) net.Listener {
			return listen.TLSOrRedirect(l, cfg, guard.Hosts{Names: names}.Allowed)
		}
	}
	if p.sockets, err = listen.Bind(sockets); err != nil {
		return nil, err
	}
	at := host.Preferred()
	if len(a.settings.Bind) > 0 {
		at = a.settings.Bind[0]
	}
	p.base = scheme + "://" + net.JoinHostPort(at.String(), strconv.Itoa(int(a.settings.AdminPort)))
	return p, nil
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

// Close closes a page that was opened and is not run after all.
func (p *adminPage) Close() {
	p.sockets.Close()
	p.web.Close()
	p.http.Close()
}

// Run serves the page until ctx ends.
func (p *adminPage) Run(ctx context.Context) error {
	err := p.sockets.Run(ctx)
	p.web.Close()
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if p.http.Shutdown(bound) != nil {
		p.http.Close()
	}
	return err
}

// SetPassword implements api.Admin.
func (p *adminPage) SetPassword(ctx context.Context, password string) error {
	return p.account.SetPassword(ctx, password)
}

// SetupLink implements api.Admin.
func (p *adminPage) SetupLink(ctx context.Context) (api.SetupLink, error) {
	token, err := p.account.NewLink(ctx)
	if err != nil {
		return api.SetupLink{}, err
	}
	return api.SetupLink{URL: p.base + "/setup?token=" + token, Fingerprint: p.fingerprint}, nil
}

// announce says where the page is, and how it is claimed if it is not yet.
func (p *adminPage) announce(ctx context.Context, tty terminal) error {
	link, err := p.SetupLink(ctx)
	if errors.Is(err, account.ErrClaimed) {
		_, err = fmt.Fprintf(tty.out, "\nAdmin page: %s\n", p.base)
		return err
	}
	if err != nil {
		return err
	}
	return printLink(tty, link)
}
