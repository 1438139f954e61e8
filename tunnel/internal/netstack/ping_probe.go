package netstack

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

const (
	// probePort is where traceroute knocks: nobody listens there.
	probePort = 33434
	// mostAsked bounds the requests that wait for their answer.
	mostAsked = 16
)

// probeEcho asks without any right: a datagram to a port on which nobody listens
// is refused by a host that is up, and a router says when it is not there. So
// the answer is the host's own, and so is the time that it takes; a host that
// leaves such datagrams without an answer looks as if it were down. Of the
// request only the size goes out: what may ping need not speak UDP.
type probeEcho struct {
	*net.UDPConn
	v4 bool

	mu    sync.Mutex // guards what follows
	asked [][]byte   // requests, the oldest first
}

func probeWay(to netip.Addr) (echoWay, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, probePort)))
	if err != nil {
		return nil, err
	}
	return &probeEcho{UDPConn: c, v4: to.Is4()}, nil
}

func (e *probeEcho) ask(request []byte) error {
	e.mu.Lock()
	if len(e.asked) == mostAsked {
		e.asked = e.asked[1:]
	}
	e.asked = append(e.asked, append([]byte(nil), request...))
	e.mu.Unlock()
	// The number alone, so that a host that quotes enough says which one it was.
	datagram := make([]byte, max(2, len(request)-echoHeader))
	copy(datagram, request[6:echoHeader])
	_, err := e.Write(datagram)
	return err
}

// answer waits for a refusal. Who answers a datagram in earnest is up, too.
func (e *probeEcho) answer(buf []byte) ([]byte, error) {
	_, err := e.Read(buf)
	if errors.Is(err, syscall.ECONNREFUSED) && !hearsErrors || err == nil {
		if r := e.replyTo(nil); r != nil {
			return r, nil
		}
	}
	if err == nil {
		err = syscall.ECONNREFUSED // an answer too many
	}
	return nil, err
}

// said takes refusals for replies. With anything else it says which request it
// is about.
func (e *probeEcho) said() (verdicts []verdict, replies [][]byte) {
	for _, v := range heard(e) {
		number := v.data
		if v.isRefusal(e.v4) {
			if r := e.replyTo(number); r != nil {
				replies = append(replies, r)
			}
			continue
		}
		if v.data = e.take(number); v.data != nil {
			verdicts = append(verdicts, v)
		}
	}
	return verdicts, replies
}

// isRefusal says whether a host says that nobody listens on the port.
func (v *verdict) isRefusal(v4 bool) bool {
	m, ok := v.message(v4)
	return ok && (v4 && m == messages[refused].four || !v4 && m == messages[refused].six)
}

// take finds the request with a number, or the oldest one where nobody said
// which, and forgets it.
func (e *probeEcho) take(number []byte) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, r := range e.asked {
		if len(number) < 2 || string(r[6:echoHeader]) == string(number[:2]) {
			e.asked = append(e.asked[:i:i], e.asked[i+1:]...)
			return r
		}
	}
	return nil
}

// replyTo is the reply to a request: what was asked, as an answer.
func (e *probeEcho) replyTo(number []byte) []byte {
	r := e.take(number)
	if r == nil {
		return nil
	}
	r[0] = replyType(e.v4)
	binary.BigEndian.PutUint16(r[2:], 0)
	return r
}
