package tunnel

import (
	"net/netip"

	"homeward/tunnel/internal/knock"
)

// KnockLasts is how long a browser may knock with one secret.
const KnockLasts = knock.Lasts

// Knock is the secret that a browser knocks with, see AwaitKnock.
type Knock = knock.Secret

// HeardKnock is a browser's knock that was answered.
type HeardKnock = knock.Heard

// AwaitKnock has the UDP port answer STUN binding requests (RFC 8489), as browsers
// send them for a web page, for KnockLasts: those alone that were made with the secret
// that it returns, from an address that outside says is none of the house's. To all
// others the port stays silent. A secret of before is good no more. It works before
// Run, too, and in whatever plane.
func (t *Tunnel) AwaitKnock(outside func(netip.Addr) bool) Knock { return t.door.Open(outside) }

// EndKnock has the port answer no more knocks.
func (t *Tunnel) EndKnock() { t.door.Shut() }

// Knocks returns the latest knock of each family at each port since the program
// started, in no order. Each one is proof that a packet came in from outside.
func (t *Tunnel) Knocks() []HeardKnock { return t.door.Heard() }
