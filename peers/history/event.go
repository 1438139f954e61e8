package history

import (
	"net/netip"
	"time"

	"homeward/peers"
)

// Kind says what an event is about.
type Kind string

// The kinds. Behind each stands what Cause and Detail mean.
const (
	Started        Kind = "started"         // cause "unclean": the run before did not end well; detail: the version
	Updated        Kind = "updated"         // detail: the old and the new version
	Stopped        Kind = "stopped"         // detail: the version
	PortOpen       Kind = "port-open"       // detail: where devices call
	PortRenewed    Kind = "port-renewed"    // the router prolonged it
	PortLost       Kind = "port-lost"       // cause: the verdict on the router
	PortConflict   Kind = "port-conflict"   // somebody else has it on the router
	AddressChanged Kind = "address-changed" // detail: the house's new public address
	DeviceFirst    Kind = "device-first"    // a peer's first handshake
	DeviceBack     Kind = "device-back"     // the first one after a day or more
	DeviceRefused  Kind = "device-refused"  // cause: disabled, expired, unknown-key or other-server
	DeviceEnded    Kind = "device-ended"    // cause: expired or idle
	LoginRefused   Kind = "login-refused"   // cause: password, nobody, code, passkey or token; detail: the user, if there is one
	AdminAction    Kind = "admin"           // cause: what was done; never with which values
	Alert          Kind = "alert"           // cause: which part; detail: what is wrong
	AlertOver      Kind = "alert-over"      // cause: which part
)

// Kinds lists all of them.
func Kinds() []Kind {
	return []Kind{Started, Updated, Stopped, PortOpen, PortRenewed, PortLost, PortConflict, AddressChanged,
		DeviceFirst, DeviceBack, DeviceRefused, DeviceEnded, LoginRefused, AdminAction, Alert, AlertOver}
}

// repeats says of which kinds one event stands for all of a day.
func (k Kind) repeats() bool { return k == PortRenewed || k == DeviceRefused || k == LoginRefused }

// byStranger reports whether anybody who can reach homeward can cause e.
func (e Event) byStranger() bool {
	return e.Kind == DeviceRefused && e.Peer == 0 || e.Kind == LoginRefused
}

// House reports whether the event is about the whole house, and more than a sign of
// life or somebody's mistyped password.
func (e Event) House() bool {
	return e.Peer == 0 && e.Kind != PortRenewed && e.Kind != LoginRefused
}

// Event is something that happened.
type Event struct {
	ID     int64     // grows with time; zero until it is written down
	At     time.Time // to the second
	Last   time.Time // of several in one, when the last one was; else At
	Count  int       // how many this one stands for
	Kind   Kind
	Peer   peers.ID // which one it is about; zero: none
	Name   string   // the peer's, at that time
	Actor  string   // who did it, if it was a person
	Cause  string   // a code, by kind
	Place  string   // the network it came from, see Coarse
	Detail string   // in words, by kind
}

// maxText bounds each text of an event, in bytes.
const maxText = 200

// tidy bounds an event's texts and times.
func (e Event) tidy() Event {
	e.At = e.At.Truncate(time.Second)
	e.Last, e.Count = e.At, 1
	for _, s := range []*string{&e.Name, &e.Actor, &e.Cause, &e.Place, &e.Detail} {
		*s = clip(*s)
	}
	return e
}

// clip shortens s to maxText bytes, not within a character.
func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := 0
	for i := range s {
		if i > maxText {
			break
		}
		end = i
	}
	return s[:end]
}

// Coarse is the network that is remembered of an address: /24 of IPv4, /48 of
// IPv6. It is empty for no address.
func Coarse(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil || !p.IsValid() {
		return ""
	}
	return p.String()
}
