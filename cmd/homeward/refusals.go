package main

import (
	"net/netip"
	"time"

	"homeward/peers/history"
)

// By what somebody was refused, besides what package account knows.
const (
	refusedToken   = "token"
	refusedPasskey = "passkey"
)

// noteRefused writes down who was refused at the page: by a wrong password, code
// or passkey, or a program by its token. The diary counts what repeats itself, and bounds the
// places.
func (a *appliance) noteRefused(how string, from netip.Addr, user string) {
	a.events.Publish(history.Event{At: time.Now(), Kind: history.LoginRefused, Cause: how, Place: history.Coarse(from), Detail: user})
}
