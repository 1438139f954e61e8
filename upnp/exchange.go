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

// pxpPort is where PCP and NAT-PMP servers listen (RFC 6887, 19.1; RFC 6886, 1.1).
const pxpPort = 5351

// resend is how long to wait for an answer before asking again. The RFCs go on
// for a minute and more; by then somebody has looked for another way.
var resend = []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second}

var (
	errNobody = errors.New("nobody listens there")
	errSilent = errors.New("no answer")
)

// exchange sends a request from our address to the server, again and again, until
// take has a use for an answer. Only the server's own answers are looked at: the
// socket is connected. It fails with errNobody, errSilent or the context's error.
func exchange(ctx context.Context, server, self netip.AddrPort, request []byte, take func([]byte) bool) error {
	d := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(self)}
	conn, err := d.DialContext(ctx, "udp", server.String())
	if err != nil {
		return fmt.Errorf("opening a socket towards %v: %w", server, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, pcpMaxLength+1) // one more, to see what is too long
	for _, wait := range resend {
		if _, err := conn.Write(request); err != nil {
			return refusedOr(err)
		}
		conn.SetReadDeadline(time.Now().Add(wait))
		if ctx.Err() != nil { // its function may have run before ours
			return ctx.Err()
		}
		for {
			n, err := conn.Read(buf)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				break
			}
			if err != nil {
				return refusedOr(err)
			}
			if take(buf[:n]) {
				return nil
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errSilent
}

// refusedOr tells the router's "nobody here" (an ICMP error) from other errors.
func refusedOr(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return errNobody
	}
	return err
}

// answerOf is what a failed exchange means.
func answerOf(protocol string, err error) answer {
	switch {
	case err == nil:
		return answer{}
	case errors.Is(err, errNobody):
		return answer{outcome: moved, problem: protocol + ": " + err.Error()}
	}
	return answer{outcome: silent, problem: protocol + ": " + err.Error()}
}
