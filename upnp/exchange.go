package upnp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

const (
	// controlPort is where routers listen for NAT-PMP and PCP (RFC 6886 section
	// 3.1, RFC 6887 section 19.1).
	controlPort = 5351
	// maxControlPacket is the longest packet of PCP (RFC 6887 section 7); those of
	// NAT-PMP are shorter.
	maxControlPacket = 1100
	// controlPatience is how long the last of controlRounds is waited for.
	controlPatience = 2500 * time.Millisecond
)

// controlRounds are the moments of sending. They double from 250 ms on, as RFC
// 6886 section 3.1 says; the RFC's nine rounds (over a minute), and PCP's first
// pause of three seconds (RFC 6887 section 8.1.1), are for those who have nothing
// else to do. Here other protocols wait, and the keeper's own pauses follow.
var controlRounds = [...]time.Duration{0, 250 * time.Millisecond, 750 * time.Millisecond, 1750 * time.Millisecond}

// control is the place where a gateway answers NAT-PMP and PCP.
type control struct {
	gw   Gateway
	port uint16 // not controlPort only in tests
}

// ask sends a request until take accepts a datagram as the answer to it. It sends
// from our address to the gateway's: the kernel delivers nobody else's datagrams
// and tells at once when nobody listens there. Each request has a socket of its
// own, so that a late answer to the one before finds no reader. What take refuses
// is ignored, and the right answer still awaited.
func (c control) ask(ctx context.Context, request []byte, take func([]byte) bool) answer {
	to := netip.AddrPortFrom(c.gw.Addr, c.port)
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.gw.Self, 0)), net.UDPAddrFromAddrPort(to))
	if err != nil {
		return controlFailure(fmt.Errorf("opening a socket from %v to %v: %w", c.gw.Self, to, err))
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	start := time.Now()
	buf := make([]byte, maxControlPacket+1)
	for round := range controlRounds {
		if _, err := conn.Write(request); err != nil {
			return controlFailure(err)
		}
		until := start.Add(controlPatience)
		if round+1 < len(controlRounds) {
			until = start.Add(controlRounds[round+1])
		}
		if err := conn.SetReadDeadline(until); err != nil {
			break // ctx ended
		}
		for {
			n, err := conn.Read(buf)
			if err == nil {
				if take(buf[:n]) {
					return answer{}
				}
				continue
			}
			if isTimeout(err) {
				break
			}
			if ctx.Err() != nil {
				return answer{outcome: silent, problem: ctx.Err().Error()}
			}
			return controlFailure(err)
		}
	}
	return answer{outcome: silent, problem: fmt.Sprintf("no answer from UDP port %d of the router", c.port)}
}

// controlFailure says what a socket's error means. A router that is just starting
// has closed ports, too; what our own firewall keeps back is never answered.
func controlFailure(err error) answer {
	a := answer{outcome: connectOutcome(err), problem: clean(err.Error())}
	if a.outcome == broken {
		a.outcome = silent
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		a.problem = "the router doesn't listen for NAT-PMP or PCP"
	}
	return a
}
