package upnp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/ipv4"
)

const (
	ssdpPort       = 1900
	ssdpMaxPacket  = 2 << 10
	ssdpMaxAnswers = 16
	ssdpListen     = 2500 * time.Millisecond
)

var (
	// ssdpGroup is SSDP's multicast address (UDA 1.1, section 1.1).
	ssdpGroup = netip.AddrFrom4([4]byte{239, 255, 255, 250})
	// ssdpGroup6 is the same for IPv6, on one link (UDA 2.0, annex A.3).
	ssdpGroup6 = netip.MustParseAddr("ff02::c")
	// ssdpRounds are the moments of sending: Wi-Fi loses multicast.
	ssdpRounds = [...]time.Duration{0, 400 * time.Millisecond, 1200 * time.Millisecond}
	// ssdpTargets are asked for in this order. Some routers answer only to the
	// newest type they have, some only to the root device.
	ssdpTargets = [...]string{
		"urn:schemas-upnp-org:device:InternetGatewayDevice:2",
		"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
		"upnp:rootdevice",
	}
)

// ssdpAnswer is what we use of an answer to M-SEARCH.
type ssdpAnswer struct {
	location string
	target   string // ST
	server   string
	// bootID changes with every restart of the device (UDA 1.1, section 1.3.3);
	// zero when not told. Kept for the one who will watch it.
	bootID uint32
}

var errSSDP = errors.New("not an answer to a search")

// parseSSDP reads one datagram.
func parseSSDP(b []byte) (ssdpAnswer, error) {
	if len(b) > ssdpMaxPacket {
		return ssdpAnswer{}, fmt.Errorf("%w: %d bytes", errSSDP, len(b))
	}
	first, rest, _ := strings.Cut(string(b), "\n")
	status := strings.Fields(first)
	if len(status) < 2 || !strings.HasPrefix(status[0], "HTTP/") || status[1] != "200" {
		return ssdpAnswer{}, fmt.Errorf("%w: begins with %q", errSSDP, clean(first))
	}
	var a ssdpAnswer
	for line := range strings.Lines(rest) {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToUpper(strings.TrimSpace(key)) {
		case "LOCATION":
			a.location = value
		case "ST":
			a.target = clean(value)
		case "SERVER":
			a.server = clean(value)
		case "BOOTID.UPNP.ORG":
			id, _ := strconv.ParseUint(value, 10, 32)
			a.bootID = uint32(id)
		}
	}
	if a.location == "" {
		return ssdpAnswer{}, fmt.Errorf("%w: no location", errSSDP)
	}
	return a, nil
}

// pinnedURL checks an address that a router told us: plain HTTP, the gateway
// itself as an IP literal, no login in it, and no port of another well-known service.
// Of the many IPv6 addresses of a router any may stand there: then only port and
// path are taken, and the host is the one that we know as the gateway.
func pinnedURL(raw string, gw netip.Addr) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("reading the address %q: it isn't a URL", clean(raw))
	}
	host, err := netip.ParseAddr(u.Hostname())
	switch {
	case u.Scheme != "http":
		return nil, fmt.Errorf("refusing the address %q: not http", clean(raw))
	case u.User != nil:
		return nil, fmt.Errorf("refusing the address %q: it has a user name", clean(raw))
	case err != nil || host != gw && !(gw.Is6() && host.Is6() && !host.Is4In6()):
		return nil, fmt.Errorf("refusing the address %q: not the gateway %v", clean(raw), gw)
	}
	port := uint64(80)
	if p := u.Port(); p != "" {
		port, err = strconv.ParseUint(p, 10, 16)
	}
	if err != nil || port != 80 && port < 1024 {
		return nil, fmt.Errorf("refusing the address %q: neither port 80 nor one from 1024 on", clean(raw))
	}
	if gw.Is6() {
		u.Host = netip.AddrPortFrom(gw, uint16(port)).String()
	}
	return u, nil
}

func searchRequest(target string, group netip.Addr) []byte {
	return []byte("M-SEARCH * HTTP/1.1\r\n" +
		"HOST: " + netip.AddrPortFrom(group, ssdpPort).String() + "\r\n" +
		"MAN: \"ssdp:discover\"\r\n" +
		"MX: 1\r\n" +
		"ST: " + target + "\r\n\r\n")
}

// searcher finds UPnP devices on the gateway. goupnp's discovery asks on all
// interfaces, fails when one of them does, and always takes two seconds.
type searcher struct {
	gw   Gateway
	port uint16 // the router's SSDP port; not 1900 only in tests
	log  *slog.Logger
	// others is told of those who answer and are not the gateway; it may be nil.
	others *otherRouters
}

// search calls found for each answer of the gateway that names a new, acceptable
// location, until found returns true or the time is over. It reports whether
// anybody answered at all.
func (s *searcher) search(ctx context.Context, found func(ssdpAnswer, *url.URL) bool) (heard bool, err error) {
	from := s.gw.Self
	if from.Is6() {
		from = netip.IPv6Unspecified() // a router answers from the kind of address that asked
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)))
	if err != nil {
		return false, fmt.Errorf("opening a socket on %v: %w", from, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	to := s.destinations(conn)
	start, round, answers := time.Now(), 0, 0
	seen := make(map[string]bool)
	buf := make([]byte, ssdpMaxPacket+1)
	foreign := 0
	for answers < ssdpMaxAnswers {
		next := start.Add(ssdpListen)
		if round < len(ssdpRounds) {
			next = start.Add(ssdpRounds[round])
			if !time.Now().Before(next) {
				s.send(conn, to)
				round++
				continue
			}
		} else if !time.Now().Before(next) {
			break
		}
		if err := conn.SetReadDeadline(next); err != nil {
			break // ctx ended
		}
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				continue
			}
			if ctx.Err() != nil {
				break
			}
			// An unconnected socket hears of closed ports only in rare cases; go on,
			// the rounds bound the number of times.
			answers++
			continue
		}
		if from.Addr().Unmap() != s.gw.Addr {
			if foreign++; foreign <= ssdpMaxAnswers {
				s.foreign(buf[:n], from.Addr())
			}
			continue // the port may be any (TP-Link ER605), the address not
		}
		answers++
		a, err := parseSSDP(buf[:n])
		if err != nil {
			s.log.Debug("ignoring an SSDP answer", "gateway", s.gw.Addr, "err", err)
			continue
		}
		heard = true
		if seen[a.location] {
			continue
		}
		seen[a.location] = true
		u, err := pinnedURL(a.location, s.gw.Addr)
		if err != nil {
			s.log.Debug("ignoring an SSDP answer", "gateway", s.gw.Addr, "err", err)
			continue
		}
		if found(a, u) {
			s.linger(conn, buf, ssdpMaxAnswers-foreign)
			return true, nil
		}
	}
	return heard, ctx.Err()
}

// foreign notes who else says that he is a router.
func (s *searcher) foreign(packet []byte, from netip.Addr) {
	if a, err := parseSSDP(packet); err == nil {
		s.others.note(s.gw, from.Unmap(), a.target)
	}
}

// linger listens a moment longer for others than the gateway, at most so many.
func (s *searcher) linger(conn *net.UDPConn, buf []byte, most int) {
	if s.others == nil || conn.SetReadDeadline(time.Now().Add(lingering)) != nil {
		return
	}
	for most > 0 {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // most likely the time is over
		}
		if from.Addr().Unmap() != s.gw.Addr {
			s.foreign(buf[:n], from.Addr())
			most--
		}
	}
}

// destinations are the gateway itself, which passes where switches or hypervisors
// eat multicast, and the multicast group, for those who answer nothing else (Eero).
func (s *searcher) destinations(conn *net.UDPConn) []netip.AddrPort {
	to := []netip.AddrPort{netip.AddrPortFrom(s.gw.Addr, s.port)}
	if s.gw.Addr.IsLoopback() || s.gw.As.IsValid() {
		return to // a second router hears no multicast of ours
	}
	if s.gw.Addr.Is6() {
		return append(to, netip.AddrPortFrom(ssdpGroup6.WithZone(s.gw.Interface), s.port))
	}
	link, err := net.InterfaceByName(s.gw.Interface)
	if err == nil {
		p := ipv4.NewPacketConn(conn)
		err = errors.Join(p.SetMulticastInterface(link), p.SetMulticastTTL(2), p.SetMulticastLoopback(false))
	}
	if err != nil {
		s.log.Debug("searching without multicast", "interface", s.gw.Interface, "err", err)
		return to
	}
	return append(to, netip.AddrPortFrom(ssdpGroup, s.port))
}

// send asks for all targets. What can't be sent is not answered; that is enough
// to know.
func (s *searcher) send(conn *net.UDPConn, to []netip.AddrPort) {
	for _, target := range ssdpTargets {
		for _, addr := range to {
			group := ssdpGroup
			if addr.Addr().Is6() {
				group = ssdpGroup6
			}
			request := searchRequest(target, group)
			if _, err := conn.WriteToUDPAddrPort(request, addr); err != nil {
				s.log.Debug("searching for the router", "to", addr, "err", err)
			}
		}
	}
}
