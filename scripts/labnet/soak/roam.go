//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"homeward/scripts/labnet"
)

// otherPhone4 is the address that the mobile network gives the phone besides its first.
const otherPhone4 = "81.2.70.99"

// seenWithin is how long homeward may take to tell where the phone is now. The router
// may just be away, and takes up to half a minute to be found again.
const seenWithin = time.Minute

var endpointPort = regexp.MustCompile(`(?m)^Endpoint = .*:(\d+)$`)

// roamer moves the phone from place to place while it loads.
type roamer struct {
	box       *box
	key, port string // of homeward, as the phone knows it
	moves     int64
}

func newRoamer(b *box, config []byte) (*roamer, error) {
	found := endpointPort.FindSubmatch(config)
	keys, err := b.lab.Phone.Try("wg", "show", b.lab.ID, "peers")
	if err != nil || found == nil || len(strings.Fields(keys)) != 1 {
		return nil, fmt.Errorf("the phone's tunnel has the peers %q, where one with an endpoint is needed: %w", keys, err)
	}
	return &roamer{box: b, key: strings.TrimSpace(keys), port: string(found[1])}, nil
}

// move takes the phone to the next place: another port, another address, IPv6, and back.
func (r *roamer) move(ctx context.Context) error {
	place := r.moves % 4
	r.moves++
	port := fmt.Sprint(31000 + place)
	var commands [][]string
	from := labnet.Phone4 + ":" + port
	listen := []string{"wg", "set", r.box.lab.ID, "listen-port", port}
	call := func(host string) []string {
		return []string{"wg", "set", r.box.lab.ID, "peer", r.key, "endpoint", net.JoinHostPort(host, r.port)}
	}
	readdress := func(old, now string) [][]string {
		return [][]string{{"ip", "addr", "del", old + "/24", "dev", "eth0"}, {"ip", "addr", "add", now + "/24", "dev", "eth0"}, {"ip", "route", "replace", "default", "via", "81.2.70.1"}}
	}
	switch place {
	case 0: // what a NAT does that forgets
		commands = [][]string{listen}
	case 1:
		from = otherPhone4 + ":" + port
		commands = append(readdress(labnet.Phone4, otherPhone4), listen)
	case 2:
		from = net.JoinHostPort(labnet.Phone6, port)
		commands = [][]string{listen, call(labnet.NASPublic6)}
	case 3:
		commands = append(readdress(otherPhone4, labnet.Phone4), listen, call(labnet.RouterWAN))
	}
	do := func(args []string) error {
		out, err := r.box.lab.Phone.Try(args[0], args[1:]...)
		if err != nil {
			return fmt.Errorf("moving the phone: %q: %w: %s", args, err, out)
		}
		return nil
	}
	for _, args := range commands {
		if err := do(args); err != nil {
			return err
		}
	}
	var out string
	for end := time.Now().Add(seenWithin); time.Now().Before(end) && ctx.Err() == nil; {
		var err error
		if out, err = r.box.do("peers", "list", "--json"); err == nil && strings.Contains(out, from) {
			return nil
		}
		// What homeward still sent to the place before has led the phone back to where that
		// came from, if the router was away.
		if err := do(commands[len(commands)-1]); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return fmt.Errorf("homeward does not tell within %v that the phone is at %s now:\n%s", seenWithin, from, out)
}
