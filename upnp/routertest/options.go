package routertest

import (
	"net/netip"
	"time"
)

// Names of the things that can be scripted besides the SOAP actions.
const (
	Description = "description"
	Search      = "search"
)

// Options of a router; the zero value is a good one.
type Options struct {
	Version      int       // of the gateway device: 1 or 2; zero means 2
	Services     []Service // zero means one connected WANIPConnection of that version
	Manufacturer string
	Model        string
	URLBase      string // element of the description; empty leaves it out

	// Addr, SearchPort and Control are where it answers when it isn't on loopback.
	Addr                netip.Addr
	SearchPort, Control uint16

	IPv6     bool // it is reached by IPv6, on ::1, and so is its firewall
	NoUPnP   bool // searches are not answered
	PCP      bool // PCP is answered on ControlPort
	PMP      bool // NAT-PMP is answered there
	Separate bool // UPnP doesn't show what PCP and NAT-PMP made
	Events   bool // services tell their changes to whoever subscribes; see Notify

	// From and To are the external ports that its rules allow; zero: all.
	From, To uint16
}

// allows reports whether the router's rules let somebody have a port.
func (o Options) allows(port uint16) bool { return o.To == 0 || o.From <= port && port <= o.To }

// Service is a WAN connection of the router.
type Service struct {
	Type   string // "WANIPConnection:1", or one of others in full: "urn:dslforum-org:service:WANIPConnection:1"
	Status string // empty means "Connected"
	WAN    string // its address; empty means 81.2.69.2, "-" none
	Path   string // control URL; empty means one of its own. ADDR stands for the router's address and port
}

// Entry is a row of the table of mappings.
type Entry struct {
	External, Internal uint16
	Protocol           string
	Client             string
	Description        string
	Remote             string        // the outer address that it is limited to
	Lease              time.Duration // zero: permanent
	Disabled           bool
}

// Reply is how the router misbehaves on one request. The zero value is normal
// behaviour.
type Reply struct {
	Fault  int               // UPnP error code
	Status int               // HTTP status, with Body
	Body   string            // instead of the normal body; ADDR stands for the router's address and port
	Header map[string]string // more headers
	Delay  time.Duration     // before anything else, ended by the client's leaving
	Drip   time.Duration     // pause after every byte of the body
	Drop   bool              // close the connection without an answer
	Lie    bool              // say yes, do nothing
	From   netip.Addr        // Search, PCP and NAT-PMP: answer from this address

	// The rest is for PCP and NAT-PMP; Body is then a datagram instead of the answer.
	Code       int      // refuse with this result code
	Version    int      // speak this version of the protocol; zero means the right one
	Port       uint16   // grant this port instead
	Lifetime   uint32   // grant this lifetime, in seconds, instead
	WrongNonce bool     // answer about somebody else's mapping
	Cut        int      // send only so many bytes of the answer
	Pad        int      // send so many zero bytes after it
	Before     []string // datagrams to send before the answer
	Twice      bool     // send the answer twice
}
