package house

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"homeward/peers"
	"homeward/tunnel"
)

const (
	// minMTU is what IPv6 needs (RFC 8200, section 5). More than the tunnel's own
	// size would be lost on the way back.
	minMTU = 1280
	maxMTU = tunnel.DefaultMTU

	maxName      = 32 // characters
	maxResolvers = 3  // as in resolv.conf(5)
	dnsPort      = 53

	maxEcho  = 2
	stunPort = 3478
)

// Settings are those of the house. Every zero field means its default.
type Settings struct {
	Name      string           // of the house, for people
	Endpoint  string           // where devices call, as peers.ParseEndpoint reads it
	Resolvers []netip.AddrPort // empty means those of the box
	MTU       int              // of clients; zero means tunnel.DefaultMTU
	New       peers.Defaults   // what new devices get
	// Echo are STUN servers (RFC 8489) that are asked as whom they see the house; empty:
	// nobody is asked.
	Echo []peers.Endpoint
	// EchoAnswered is set once the owner has said whether anybody shall be asked: then he
	// is not asked about it any more.
	EchoAnswered bool
	// KeepCodes is set where the keys of codes are to be kept, sealed, so that the codes
	// can be shown again.
	KeepCodes bool
}

// EchoOffers are STUN servers that are known to answer everybody, for owners who know
// none: each of another operator. Nobody is asked unless he is chosen.
func EchoOffers() []string {
	return []string{"stun.nextcloud.com:443", "stun.cloudflare.com:3478", "stun.l.google.com:19302"}
}

// ClientMTU is how large the packets of clients may be.
func (s Settings) ClientMTU() int { return cmp.Or(s.MTU, tunnel.DefaultMTU) }

// Check says what is wrong, as a *peers.FieldError.
func (s Settings) Check() error {
	if err := checkName(s.Name); err != nil {
		return err
	}
	if s.Endpoint != "" {
		if _, err := peers.ParseEndpoint(s.Endpoint, dnsPort); err != nil { // any port: the real one may change
			return err
		}
	}
	if len(s.Resolvers) > maxResolvers {
		return peers.NewFieldError("resolvers", "more than three DNS servers are too many: leave the others out")
	}
	for _, r := range s.Resolvers {
		if a := r.Addr(); a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" || r.Port() == 0 {
			return peers.NewFieldError("resolvers", "no DNS server can be at %s: write the address of one", r)
		}
	}
	if len(s.Echo) > maxEcho {
		return peers.NewFieldError("echo", "more than two servers to ask are too many: leave the others out")
	}
	if s.MTU != 0 && (s.MTU < minMTU || s.MTU > maxMTU) {
		return peers.NewFieldError("mtu", "packets of %d bytes are impossible: use 1280 to 1412, or 0 for the default", s.MTU)
	}
	switch s.New.Access {
	case "", peers.AccessEverything, peers.AccessHome, peers.AccessInternet:
	default:
		return peers.NewFieldError("access", "new devices can get everything, home or internet")
	}
	return s.New.Check()
}

func checkName(name string) error {
	switch {
	case utf8.RuneCountInString(name) > maxName:
		return peers.NewFieldError("house", "the name is longer than 32 characters: choose a shorter one")
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }), strings.TrimSpace(name) != name:
		return peers.NewFieldError("house", "the name has something in it that cannot be shown: type it again")
	}
	return nil
}

// ParseResolvers reads addresses with or without a port, with commas, spaces or
// lines between.
func ParseResolvers(s string) ([]netip.AddrPort, error) {
	var list []netip.AddrPort
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		at, err := netip.ParseAddrPort(part)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(part); err != nil {
				return nil, peers.NewFieldError("resolvers", "%.40q is no address: write 192.168.1.1 or [2001:db8::1]:53", part)
			}
			at = netip.AddrPortFrom(a, dnsPort)
		}
		at = netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
		if !slices.Contains(list, at) {
			list = append(list, at)
		}
	}
	return list, nil
}

// FormatResolvers is what ParseResolvers reads, without the usual port.
func FormatResolvers(list []netip.AddrPort) string {
	var parts []string
	for _, at := range list {
		if at.Port() == dnsPort {
			parts = append(parts, at.Addr().String())
			continue
		}
		parts = append(parts, at.String())
	}
	return strings.Join(parts, ", ")
}

// ParseEcho reads STUN servers: names or addresses with or without a port, with commas,
// spaces or lines between.
func ParseEcho(s string) ([]peers.Endpoint, error) {
	var list []peers.Endpoint
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		e, err := peers.ParseEndpoint(part, stunPort)
		if field := (*peers.FieldError)(nil); errors.As(err, &field) {
			other := *field
			other.Field = "echo"
			return nil, &other
		}
		if err != nil {
			return nil, err
		}
		e = peers.Endpoint{Host: e.Host, Port: e.Port, Source: e.Source} // the warnings are about devices
		if !slices.ContainsFunc(list, func(o peers.Endpoint) bool { return o.String() == e.String() }) {
			list = append(list, e)
		}
	}
	return list, nil
}

// FormatEcho is what ParseEcho reads.
func FormatEcho(list []peers.Endpoint) string {
	var parts []string
	for _, e := range list {
		parts = append(parts, e.String())
	}
	return strings.Join(parts, ", ")
}

// The names under which settings are stored. They never change.
const (
	storedName      = "name"
	storedEndpoint  = "endpoint"
	storedResolvers = "resolvers"
	storedMTU       = "mtu"
	storedProfile   = "new.profile"
	storedAccess    = "new.access"
	storedDNS       = "new.dns"
	storedKeepalive = "new.keepalive_seconds"
	storedEcho      = "echo"
	storedAnswered  = "echo.answered"
	storedKeep      = "codes.keep"
)

// rows are the settings that are not at their default, as text.
func (s Settings) rows() map[string]string {
	rows := map[string]string{
		storedName: s.Name, storedEndpoint: s.Endpoint, storedResolvers: FormatResolvers(s.Resolvers),
		storedProfile: string(s.New.Profile), storedAccess: string(s.New.Access), storedEcho: FormatEcho(s.Echo),
	}
	if s.MTU != 0 {
		rows[storedMTU] = strconv.Itoa(s.MTU)
	}
	if s.EchoAnswered {
		rows[storedAnswered] = strconv.FormatBool(true)
	}
	if s.KeepCodes {
		rows[storedKeep] = strconv.FormatBool(true)
	}
	if s.New.DNS != nil {
		rows[storedDNS] = strconv.FormatBool(*s.New.DNS)
	}
	if s.New.Keepalive != nil {
		rows[storedKeepalive] = strconv.Itoa(int(*s.New.Keepalive / time.Second))
	}
	for k, v := range rows {
		if v == "" {
			delete(rows, k)
		}
	}
	return rows
}

// with is s with one stored row; an error leaves that setting at its default.
func (s Settings) with(setting, value string) (Settings, error) {
	var err error
	next := s
	switch setting {
	case storedName:
		next.Name = value
	case storedEndpoint:
		next.Endpoint = value
	case storedResolvers:
		next.Resolvers, err = ParseResolvers(value)
	case storedEcho:
		next.Echo, err = ParseEcho(value)
	case storedAnswered:
		next.EchoAnswered, err = strconv.ParseBool(value)
	case storedKeep:
		next.KeepCodes, err = strconv.ParseBool(value)
	case storedMTU:
		next.MTU, err = strconv.Atoi(value)
	case storedProfile:
		next.New.Profile = peers.Profile(value)
	case storedAccess:
		next.New.Access = peers.Access(value)
	case storedDNS:
		var on bool
		on, err = strconv.ParseBool(value)
		next.New.DNS = &on
	case storedKeepalive:
		var seconds int
		seconds, err = strconv.Atoi(value)
		every := time.Duration(seconds) * time.Second
		next.New.Keepalive = &every
	default:
		return s, peers.NewFieldError(setting, "this version does not know the setting")
	}
	if err == nil {
		err = next.Check()
	}
	if err != nil {
		return s, err
	}
	return next, nil
}
