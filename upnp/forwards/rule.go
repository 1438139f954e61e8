package forwards

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"homeward/upnp"
)

// Rule is one wish of the owner's.
type Rule struct {
	ID       int64
	Name     string // 1 to 64 characters
	Protocol string // TCP or UDP
	External uint16 // the port outside, or the first of several in a row
	Count    uint16 // how many, 1 to 32
	To       netip.AddrPort
	Enabled  bool
	Created  time.Time // to the second
}

// Limits of what a router can be asked for.
const (
	maxRules = 32
	maxCount = 32
	maxPorts = 64 // of all rules together
	maxName  = 64
)

// The errors that callers act on.
var (
	ErrNotFound = errors.New("there is no such rule")
	ErrFull     = fmt.Errorf("there are as many rules as routers can bear (%d rules, %d ports): remove one", maxRules, maxPorts)
)

// FieldError is a rule that can't be: which part of it, and why.
type FieldError struct {
	Field   string // name, protocol, external, last, machine or internal
	Problem string
}

// Error implements error.
func (e *FieldError) Error() string { return e.Field + " " + e.Problem }

// House is what a rule is checked against.
type House struct {
	Self      []netip.Addr   // this box's addresses
	LAN       []netip.Prefix // the house's networks
	Router    netip.Addr     // may be invalid
	Port      uint16         // UDP: by which devices come home
	AdminPort uint16         // TCP: homeward's page
}

func (r Rule) last() int { return int(r.External) + int(r.Count) - 1 }

// check says what is wrong with a rule, given the house and the other rules.
func (r Rule) check(h House, others []Rule) error {
	if err := r.checkItself(); err != nil {
		return err
	}
	if err := r.checkMachine(h); err != nil {
		return err
	}
	if r.Protocol == "UDP" && int(h.Port) >= int(r.External) && int(h.Port) <= r.last() {
		return &FieldError{"external", fmt.Sprintf("%d is how devices come home: choose another", h.Port)}
	}
	ports := int(r.Count)
	for _, o := range others {
		if o.Protocol == r.Protocol && int(o.External) <= r.last() && int(r.External) <= o.last() {
			return &FieldError{"external", fmt.Sprintf("is taken by the rule “%s”", o.Name)}
		}
		ports += int(o.Count)
	}
	if len(others) >= maxRules || ports > maxPorts {
		return ErrFull
	}
	return nil
}

func (r Rule) checkItself() error {
	switch n := utf8.RuneCountInString(r.Name); {
	case n == 0:
		return &FieldError{"name", "is missing"}
	case n > maxName:
		return &FieldError{"name", fmt.Sprintf("is longer than %d characters", maxName)}
	case strings.ContainsFunc(r.Name, func(c rune) bool { return !unicode.IsPrint(c) }) || !utf8.ValidString(r.Name):
		return &FieldError{"name", "has characters that can't be shown"}
	case r.Protocol != "TCP" && r.Protocol != "UDP":
		return &FieldError{"protocol", "must be TCP or UDP"}
	case r.External == 0:
		return &FieldError{"external", "must be a port from 1 to 65535"}
	case r.Count == 0 || r.last() > 65535:
		return &FieldError{"last", "must be a port from the first one to 65535"}
	case r.Count > maxCount:
		return &FieldError{"last", fmt.Sprintf("makes more than %d ports", maxCount)}
	case r.To.Port() == 0 || int(r.To.Port())+int(r.Count)-1 > 65535:
		return &FieldError{"internal", "must be a port from 1 to 65535"}
	}
	return nil
}

// checkMachine keeps rules to machines in the house, and homeward's own page and
// port out of them.
func (r Rule) checkMachine(h House) error {
	to := r.To.Addr()
	i := slices.IndexFunc(h.LAN, func(p netip.Prefix) bool { return p.Contains(to) })
	switch {
	case !to.Is4():
		return &FieldError{"machine", "must be an IPv4 address such as 192.168.1.23"}
	case i < 0:
		return &FieldError{"machine", fmt.Sprintf("%v is not in the house's network", to)}
	case to == h.Router:
		return &FieldError{"machine", fmt.Sprintf("%v is the router itself", to)}
	case to == h.LAN[i].Masked().Addr() || to == lastOf(h.LAN[i]):
		return &FieldError{"machine", fmt.Sprintf("%v is the whole network, not a machine", to)}
	}
	own := h.Port
	if r.Protocol == "TCP" {
		own = h.AdminPort
	}
	if slices.Contains(h.Self, to) && own >= r.To.Port() && int(own) < int(r.To.Port())+int(r.Count) {
		if r.Protocol == "TCP" {
			return &FieldError{"internal", fmt.Sprintf("%d is homeward's own page, which is never opened to the internet: it is reached through the tunnel", own)}
		}
		return &FieldError{"internal", fmt.Sprintf("%d is how devices come home: it is open already", own)}
	}
	return nil
}

// lastOf is an IPv4 network's last address, its broadcast.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}

// forwards are the rules that are on, as the mapper wants them.
func forwards(list []Rule) []upnp.Forward {
	var out []upnp.Forward
	for _, r := range list {
		if r.Enabled {
			out = append(out, upnp.Forward{ID: r.ID, Protocol: r.Protocol, External: r.External, Count: r.Count, To: r.To})
		}
	}
	return out
}
