package api

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"homeward/configs/secret"
)

// ErrNoAddress says that nobody knows by which address the house is called.
var ErrNoAddress = errors.New("the house's public address is not known yet")

// Knocker lets a phone's browser try the way in from outside, without any app.
type Knocker interface {
	// BeginKnock has the port answer for a while. Where nobody could call, it is
	// ErrNoAddress.
	BeginKnock(context.Context) (Knock, error)
	// Knock is the one that was begun last; false: none is going on.
	Knock() (Knock, bool)
}

// Knock is what a browser has to know to be answered by the UDP port: a secret of its
// own, as WebRTC has it (RFC 8445), and where it calls.
type Knock struct {
	User     string
	Password secret.Text
	Calls    []netip.AddrPort
	Until    time.Time
}
