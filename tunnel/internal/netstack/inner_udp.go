package netstack

import (
	"errors"
	"io"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/waiter"
)

// innerUDP is the peer's end of a UDP flow.
type innerUDP struct {
	*gonet.UDPConn
	ep    tcpip.Endpoint
	queue *waiter.Queue
}

func newInnerUDP(ep tcpip.Endpoint, queue *waiter.Queue) *innerUDP {
	ep.SocketOptions().SetReceiveBufferSize(udpReceiveBuffer, true)
	ep.SocketOptions().SetReceiveTTL(true)
	ep.SocketOptions().SetReceiveHopLimit(true)
	return &innerUDP{gonet.NewUDPConn(queue, ep), ep, queue}
}

// receive waits for a datagram and says how many hops it had left. It returns
// io.EOF when the connection is closed.
func (c *innerUDP) receive(d *datagram) (hops uint8, err error) {
	res, terr := c.ep.Read(d, tcpip.ReadOptions{})
	if isWouldBlock(terr) {
		entry, ready := waiter.NewChannelEntry(waiter.ReadableEvents | waiter.EventHUp)
		c.queue.EventRegister(&entry)
		defer c.queue.EventUnregister(&entry)
		for {
			if res, terr = c.ep.Read(d, tcpip.ReadOptions{}); !isWouldBlock(terr) {
				break
			}
			<-ready
		}
	}
	if _, closed := terr.(*tcpip.ErrClosedForReceive); closed {
		return 0, io.EOF
	}
	if terr != nil {
		return 0, errors.New("reading from the peer: " + terr.String())
	}
	hops = res.ControlMessages.TTL
	if res.ControlMessages.HasHopLimit {
		hops = res.ControlMessages.HopLimit
	}
	return hops, nil
}

func isWouldBlock(err tcpip.Error) bool {
	_, is := err.(*tcpip.ErrWouldBlock)
	return is
}

// carriedHops is up to where a TTL is carried on: traceroute and programs that
// let a packet die on its way count from 1, all others begin at 64 or above.
const carriedHops = 40

// nextHops is what a packet that came with hops goes on with, 0 for the host's
// own.
func nextHops(hops uint8) int {
	if hops > carriedHops {
		return 0
	}
	return max(1, int(hops)-1)
}
