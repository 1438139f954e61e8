//go:build linux

package reliability

import (
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// hardship is something that a home lives through.
type hardship struct {
	name              string
	handshake, served time.Duration // until what has to work again
	// befall makes it happen and says when it was over.
	befall func(*home) time.Time
	tun    bool // it has no meaning without an interface
}

// hardships follow each other in one home: none may leave a scar for the next.
var hardships = []hardship{
	{name: "the router is off and comes back", handshake: 30 * time.Second, served: 30 * time.Second, befall: (*home).routerOff},
	{name: "the cable is out", handshake: 30 * time.Second, served: 30 * time.Second, befall: (*home).cableOut},
	{name: "the interface gets another name", handshake: 30 * time.Second, served: 30 * time.Second, befall: (*home).renameInterface},
	{name: "another tool flushes the firewall", handshake: 10 * time.Second, served: 10 * time.Second, befall: (*home).flushFirewall, tun: true},
	{name: "homeward is killed", handshake: 10 * time.Second, served: 10 * time.Second, befall: (*home).kill},
	{name: "the box stands still", handshake: 5 * time.Second, served: 5 * time.Second, befall: (*home).suspendBox},
	{name: "no name can be looked up", handshake: 5 * time.Second, served: 5 * time.Second, befall: (*home).namesDead},
	{name: "junk rains on the port", handshake: 5 * time.Second, served: 5 * time.Second, befall: (*home).junk},
	{name: "the LAN gets other addresses", handshake: 30 * time.Second, served: 30 * time.Second, befall: (*home).moveLAN}, // the last one: it is not put back
}

func TestAHomeLivesThroughIt(t *testing.T) {
	bin := buildHomeward(t)
	for plane, rootless := range map[string]bool{"tun": false, "netstack": true} {
		t.Run(plane, func(t *testing.T) {
			t.Parallel()
			// The router's own rule for the addresses that the LAN gets in the end.
			h := newHome(t, bin, rootless, labnet.Options{IGD: []string{"allow 1024-65535 " + movedLAN + ".0/24 1024-65535"}})
			for _, s := range hardships {
				if s.tun && rootless {
					continue
				}
				t.Run(s.name, func(t *testing.T) {
					// What fails is said of this part.
					one := *h
					one.T = t
					one.recovers(s.befall(&one), s.handshake, s.served)
					h.share, h.homeward = one.share, one.homeward
				})
			}
		})
	}
}
