package upnp

import (
	"context"
	"time"
)

// knock asks a router that went away whether it is back, by the one packet that
// NAT-PMP and PCP need: searching for it every few seconds would be too much for
// the LAN, and waiting for the next search too long for the one who is out.
func (k *keeper) knock(ctx context.Context) {
	if !k.knocking() || time.Now().Before(k.nextKnock) {
		return
	}
	k.nextKnock = time.Now().Add(knockEvery)
	if _, a := unwitnessed(k.maker).external(ctx); a.outcome != moved && a.outcome != silent {
		k.nextTry = time.Now()
	}
}

// knocking is true for a while after a router that we had a mapping on, by PCP or
// NAT-PMP, stopped answering altogether.
func (k *keeper) knocking() bool {
	return len(k.candidates) == 0 && time.Now().Before(k.knockUntil)
}
