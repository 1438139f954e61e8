package netstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// dialHost opens a socket of the host. It is the last part of the choke point:
// a socket whose two ends have the same address has reached the host itself,
// by an address that was not among those the policy had read.
func dialHost(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	c, err := dialBox(ctx, network, to)
	if err != nil {
		return nil, err
	}
	if local := ipOf(c.LocalAddr()); !local.IsValid() || local == to.Addr() {
		c.Close()
		return nil, fmt.Errorf("%v: %w", to, errBox)
	}
	return c, nil
}

// ipOf is the address of one end of a socket; invalid where it has none.
func ipOf(a net.Addr) netip.Addr {
	if p, ok := a.(interface{ AddrPort() netip.AddrPort }); ok {
		return p.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// dialBox opens a socket of the host for a peer that may reach the host itself.
func dialBox(ctx context.Context, network string, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{
		Timeout: dialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: time.Minute, Interval: 30 * time.Second, Count: 4,
		},
	}
	return d.DialContext(ctx, network, to.String())
}

// outcome is what a peer gets to see of a dial that failed, or of a packet that ends here.
type outcome uint8

const (
	stayedSilent outcome = iota // the peer's client finds out by its own patience
	refused
	hostUnreachable
	networkUnreachable
	prohibited
	// The following are no outcomes of a dial.

	expired  // the packet had no hop left
	tooBig   // it did not fit into what comes next
	reported // somebody on the way said what it was, see verdict
)

func outcomeOf(err error) outcome {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return refused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EHOSTDOWN):
		return hostUnreachable
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return networkUnreachable
	case errors.Is(err, errNotDialable), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return prohibited
	}
	return stayedSilent
}
