package passkeys

import (
	"net"
	"net/netip"
	"strings"
)

// Site is a page by one of its names.
type Site struct {
	Name   string // of the host, without a port
	Origin string // as browsers say it
}

// Why a page can have no passkeys.
const (
	ByAddress = "address" // it is open by an address, and passkeys need a name
	Plain     = "plain"   // others can read along, and browsers refuse
)

// SiteOf is the site of a page that is open by a Host header, sealed by TLS or not, or
// why it can have no passkeys (WebAuthn Level 3, section 5.1.3: the effective domain
// must be a valid domain). Whether the browser trusts the certificate, only the browser
// knows.
func SiteOf(host string, sealed bool) (s Site, why string) {
	host = strings.ToLower(host)
	name := host
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil || name == "" {
		return Site{}, ByAddress
	}
	scheme := "https://"
	if !sealed {
		if scheme = "http://"; name != "localhost" { // which browsers trust
			return Site{}, Plain
		}
	}
	return Site{name, scheme + host}, ""
}
