package peers

// Access says what a peer may reach, whatever its config asks for. It is enforced
// at home, for IPv4 and IPv6 alike: the AllowedIPs in a client's file are no
// firewall. Names can always be looked up.
//
// It is the canonical text of Grants: one of the kinds below, or grants with
// semicolons between, such as
//
//	internet; box tcp/445; 192.168.1.20 tcp/80 tcp/443; 192.168.1.64-192.168.1.79
//
// See ParseAccess for what may stand there.
type Access string

// The kinds of access. The zero Access of a NewPeer means AccessEverything. None of
// them includes other peers or the box's own services.
const (
	AccessEverything Access = "everything" // what is at home, and the internet
	AccessHome       Access = "home"       // what is at home
	AccessInternet   Access = "internet"   // the internet, and nothing at home
	AccessNothing    Access = "nothing"    // only names
)

// ParseAccess reads an access and returns its canonical text; an empty one is
// AccessEverything. Each grant is one of
//
//   - everything, home, internet or nothing: one of them at most; none means nothing
//   - peers: other people's devices
//   - admin: the admin page
//   - box, and services: what this box itself offers, but for the admin page
//   - an address, a prefix or a range of addresses, and services
//
// where services are tcp, udp or icmp, the first two with a port or a range of them
// if wanted (tcp/80, udp/5000-5010), with spaces between; none means all. Errors are
// FieldErrors.
func ParseAccess(s string) (Access, error) {
	g, err := ParseGrants(s)
	if err != nil {
		return "", err
	}
	return g.Access(), nil
}

// Grants takes an access apart. What is not canonical grants nothing.
func (a Access) Grants() Grants {
	g, err := ParseGrants(string(a))
	if err != nil || g.Access() != a {
		return Grants{Base: AccessNothing}
	}
	return g
}
