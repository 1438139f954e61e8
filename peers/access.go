package peers

// Access says what a peer may reach, whatever its config asks for. It is enforced
// at home, for IPv4 and IPv6 alike: the AllowedIPs in a client's file are no
// firewall. Names can always be looked up; other peers and the box's own services
// are never included.
type Access string

// The kinds of access. The zero Access of a NewPeer means AccessEverything.
const (
	AccessEverything Access = "everything" // what is at home, and the internet
	AccessHome       Access = "home"       // what is at home
	AccessInternet   Access = "internet"   // the internet, and nothing at home
)

// ParseAccess reads the name of a kind of access; an empty one is AccessEverything.
func ParseAccess(s string) (Access, error) {
	switch a := Access(s); a {
	case "":
		return AccessEverything, nil
	case AccessEverything, AccessHome, AccessInternet:
		return a, nil
	}
	return "", fieldErrorf("access", "%.40q is not a kind of access: use %q, %q or %q", s, AccessEverything, AccessHome, AccessInternet)
}
