package peers

import (
	"errors"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// EndpointSource says who an endpoint comes from.
type EndpointSource string

// The sources of an endpoint.
const (
	EndpointOperator EndpointSource = "operator" // the operator's file
	EndpointRouter   EndpointSource = "router"   // the router's mapping and external address
	EndpointName     EndpointSource = "name"     // a DNS name that is kept pointing home
)

// Endpoint is where clients find home: the host and UDP port in their configs.
type Endpoint struct {
	Host     string // DNS name or IP literal without brackets, as checked by ParseEndpoint
	Port     uint16
	Source   EndpointSource
	Warnings []string // sentences for the operator, such as that the address works only at home
}

// String renders host:port, with brackets around an IPv6 address.
func (e Endpoint) String() string {
	return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// NewEndpoint makes an endpoint from an address.
func NewEndpoint(ap netip.AddrPort, source EndpointSource) (Endpoint, error) {
	addr := ap.Addr().Unmap()
	if problem := addrProblem(addr); problem != "" {
		return Endpoint{}, fieldErrorf("endpoint", "%s %s", ap, problem)
	}
	if ap.Port() == 0 {
		return Endpoint{}, fieldErrorf("endpoint", "%s has port 0: use 1 to 65535", ap)
	}
	return Endpoint{addr.String(), ap.Port(), source, addrWarnings(addr)}, nil
}

// NewNameEndpoint makes an endpoint from a DNS name that is kept pointing home.
func NewNameEndpoint(name string, port uint16) (Endpoint, error) {
	e, err := ParseEndpoint(net.JoinHostPort(name, strconv.Itoa(int(port))), 0)
	e.Source = EndpointName
	return e, err
}

// ParseEndpoint reads what an operator wrote: a DNS name, an IPv4 or an IPv6
// address, each with or without a port. An IPv6 address with a port needs
// brackets. The result has the source EndpointOperator.
func ParseEndpoint(s string, defaultPort uint16) (Endpoint, error) {
	fail := func(format string, args ...any) (Endpoint, error) {
		return Endpoint{}, fieldErrorf("endpoint", "%.80q "+format, append([]any{s}, args...)...)
	}
	if problem := endpointTextProblem(s); problem != "" {
		return fail("%s", problem)
	}
	host, port, err := splitEndpoint(s, defaultPort)
	if err != nil {
		return fail("%s", err)
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		if problem := addrProblem(addr); problem != "" {
			return fail("%s", problem)
		}
		return Endpoint{addr.String(), port, EndpointOperator, addrWarnings(addr)}, nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if problem := dnsNameProblem(name); problem != "" {
		return fail("%s", problem)
	}
	return Endpoint{name, port, EndpointOperator, nameWarnings(name)}, nil
}

// check says whether e is one that ParseEndpoint or NewEndpoint made, or as good.
func (e Endpoint) check() error {
	parsed, err := ParseEndpoint(e.String(), 0)
	if err != nil {
		return err
	}
	if parsed.Host != e.Host || parsed.Port != e.Port {
		return fieldErrorf("endpoint", "%.80q is not written as a plain host", e.Host)
	}
	return nil
}

// endpointTextProblem finds what no endpoint contains, before it is taken apart.
func endpointTextProblem(s string) string {
	switch {
	case s == "":
		return "is empty: write a name such as home.example.org, or an address"
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return "contains a control character: type it again"
	case strings.ContainsFunc(s, unicode.IsSpace):
		return "contains a space: leave it out"
	case strings.Contains(s, "://"):
		return "starts with a scheme: write only the host and the port, such as home.example.org:51820"
	case strings.ContainsAny(s, "/?#@\\"):
		return "contains more than a host and a port: write it as home.example.org:51820"
	case strings.Contains(s, "%"):
		return "contains a zone: an address with one works only on one link"
	}
	for _, r := range s {
		if r > unicode.MaxASCII {
			if ascii, err := idna.Lookup.ToASCII(s); err == nil {
				return "contains letters outside ASCII: write it as " + strconv.Quote(ascii)
			}
			return "contains letters outside ASCII: write the name in its xn-- form"
		}
	}
	return ""
}

// splitEndpoint parts host and port; an IPv6 address without brackets has no port.
func splitEndpoint(s string, defaultPort uint16) (host string, port uint16, err error) {
	host = s
	portText, hasPort := "", false
	switch inner, bracket := strings.CutPrefix(s, "["); {
	case bracket:
		var rest string
		if host, rest, bracket = strings.Cut(inner, "]"); !bracket {
			return "", 0, errors.New("lacks the closing bracket: write it as [2001:db8::1]:51820")
		}
		if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() {
			return "", 0, errors.New("has no IPv6 address between its brackets")
		}
		if portText, hasPort = strings.CutPrefix(rest, ":"); !hasPort && rest != "" {
			return "", 0, errors.New("has something other than a port after the bracket: write it as [2001:db8::1]:51820")
		}
	case strings.Count(s, ":") > 1:
		if _, err := netip.ParseAddr(s); err != nil {
			return "", 0, errors.New("is neither an IPv6 address nor a host and a port: write it as [2001:db8::1]:51820")
		}
	default:
		host, portText, hasPort = strings.Cut(s, ":")
	}
	if !hasPort {
		if defaultPort == 0 {
			return "", 0, errors.New("has no port: write it as home.example.org:51820")
		}
		return host, defaultPort, nil
	}
	n, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || n == 0 || portText[0] < '1' || portText[0] > '9' {
		return "", 0, errors.New("has an unusable port: use 1 to 65535")
	}
	return host, uint16(n), nil
}

// addrProblem says why nobody could send to a.
func addrProblem(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "is no address"
	case a.Zone() != "":
		return "has a zone: an address with one works only on one link"
	case a.IsUnspecified(), a.Is4() && a.As4()[0] == 0:
		return "means no address: use the one that your provider gave to the router"
	case a.IsMulticast(), a.Is4() && a.As4()[0] >= 240:
		return "is no address of a single host: use the one that your provider gave to the router"
	}
	return ""
}

func addrWarnings(a netip.Addr) []string {
	sharedSpace := netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	switch {
	case a.IsLoopback():
		return []string{a.String() + " is this machine itself: no other device can reach it"}
	case a.IsLinkLocalUnicast():
		return []string{a.String() + " is a link-local address: it works only inside your house"}
	case a.IsPrivate():
		return []string{a.String() + " is a private address: it works only inside your house"}
	case sharedSpace.Contains(a):
		return []string{a.String() + " belongs to your provider's own network (CGNAT): it works only inside your house, so ask the provider for a public address"}
	}
	return nil
}

// homeNames end names that only a resolver at home knows.
var homeNames = regexp.MustCompile(`(^|\.)(localhost|local|lan|home|internal|localdomain|home\.arpa|fritz\.box)$`)

func nameWarnings(name string) []string {
	if strings.Contains(name, ".") && !homeNames.MatchString(name) {
		return nil
	}
	return []string{strconv.Quote(name) + " is a name that only your own network knows: it works only inside your house"}
}

var (
	dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	// numberLabel at the end of a name makes software read it as an IPv4 address.
	numberLabel = regexp.MustCompile(`^([0-9]+|0x[0-9a-f]*)$`)
)

func dnsNameProblem(name string) string {
	if name == "" {
		return "has no host: write it as home.example.org:51820"
	}
	if len(name) > 253 {
		return "is too long: a DNS name has at most 253 characters"
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !dnsLabel.MatchString(label) {
			return "is neither an address nor a DNS name: use letters, digits and hyphens between the dots"
		}
	}
	if numberLabel.MatchString(labels[len(labels)-1]) {
		return "looks like an IPv4 address but is none: write four numbers from 0 to 255"
	}
	return ""
}
