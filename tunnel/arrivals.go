package tunnel

import "homeward/tunnel/internal/bind"

// Arrivals is what reached the UDP port while the tunnel is up, judged by its
// outside only: in all, and by source, as much as is remembered. It tells why
// somebody cannot come in. Index its Classes by an ArrivalClass.
type Arrivals = bind.Evidence

// What Arrivals is made of.
type (
	ArrivalClass  = bind.Class
	ArrivalSource = bind.Source
	ArrivalSeen   = bind.Seen
	ArrivalTally  = bind.Tally
)

// The classes of arrivals. A device that never comes in shows by what is
// missing: nothing of its network (the router), WrongKey (an old code),
// Initiation that is never Answered (a device that we don't know), Answered
// again and again without Data (our answer is lost, or another preshared key).
const (
	TooShort   = bind.TooShort   // less than any message of WireGuard
	Junk       = bind.Junk       // no message of WireGuard
	WrongKey   = bind.WrongKey   // meant for another server's key
	Initiation = bind.Initiation // a handshake by somebody who knows our key
	Response   = bind.Response   // an answer to a handshake that we began
	Cookie     = bind.Cookie     // we are asked to prove our address
	Data       = bind.Data       // of a session that we know
	StrayData  = bind.StrayData  // of a session that we don't know, as after a restart
	Answered   = bind.Answered   // sent by us: our answer to an initiation
	Challenged = bind.Challenged // sent by us: the device shall prove its address
)

// ArrivalClasses lists all of them.
func ArrivalClasses() []ArrivalClass { return bind.Classes() }
