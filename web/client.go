package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client is where a request comes from. What proxies write is believed only of those
// that the operator named: anybody can write it. Behind one, X-Forwarded-For is read
// from its end, where the nearest proxy wrote, up to the first that is not one of ours.
func (s *Server) client(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	from := ap.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !s.isProxy(from) {
			break
		}
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil { // what stands before it may be written by anybody
			break
		}
		from = a.Unmap()
	}
	return from
}

// isProxy reports whether the operator named the one at a.
func (s *Server) isProxy(a netip.Addr) bool {
	return slices.ContainsFunc(s.cfg.Proxies, func(p netip.Prefix) bool { return p.Contains(a.WithZone("")) })
}

// unsealed reports whether the browser sent a request without TLS: to us, and to a
// proxy as far as that one says.
func (s *Server) unsealed(r *http.Request) bool {
	if r.TLS != nil {
		return false
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err != nil || !s.isProxy(from.Addr().Unmap()) || r.Header.Get("X-Forwarded-Proto") != "https"
}
