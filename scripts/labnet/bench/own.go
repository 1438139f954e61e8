//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"
)

// loadCommand makes this program a client that runs one load and prints one number.
const loadCommand = "load"

// ownLoads are these loads: each is given where to send to and for how long.
var ownLoads = map[string]func(at string, d time.Duration) (float64, error){
	"rtt":  roundTrip,
	"conn": connections,
	"junk": sendJunk,
}

// runLoad is what the program does as such a client.
func runLoad(args []string) error {
	if len(args) != 3 || ownLoads[args[0]] == nil {
		return errors.New("usage: bench load rtt|conn|junk ADDRESS DURATION")
	}
	d, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(args[1])
	if err != nil {
		return err
	}
	v, err := ownLoads[args[0]](at.String(), d)
	if err == nil {
		fmt.Print(v)
	}
	return err
}

// own runs one of these loads on the client.
func (w *world) own(kind, at string, d time.Duration) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), d+20*time.Second)
	defer cancel()
	out, err := w.client.Command(ctx, self, loadCommand, kind, at, d.String()).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w: %s", kind, err, out)
	}
	return strconv.ParseFloat(string(out), 64)
}

// ownBeside runs one of these loads towards the host at home, beside another
// thing, until both have ended.
func (w *world) ownBeside(other func() error, kind string) (float64, error) {
	done := make(chan error, 1)
	go func() { done <- other() }()
	v, err := w.own(kind, net.JoinHostPort(w.target, echoPort), w.s.duration)
	return v, errors.Join(err, <-done)
}
