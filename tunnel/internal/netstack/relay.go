package netstack

import (
	"errors"
	"io"
	"net"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/waiter"
)

// inner is the peer's end of a TCP flow.
type inner struct {
	*gonet.TCPConn
	ep    tcpip.Endpoint
	queue *waiter.Queue
}

// relayTCP moves bytes both ways until both sides have ended. An end of one
// side is passed on as such (half-close); an error of either resets both.
func (p *Plane) relayTCP(f *flow, peer *inner, host net.Conn) {
	abort := sync.OnceFunc(func() {
		peer.ep.Abort()
		reset(host)
	})
	f.onCut(abort)
	suitNear(peer.ep, p.stack)
	var up sync.WaitGroup
	up.Go(func() { pass(host, abort, func() error { return copyStream(host, peer) }) })
	pass(peer, abort, func() error { return moveDown(peer, host, p.device.mtu) })
	up.Wait()
	f.onCut(nil) // peer is closed once, and not while it is being aborted
	peer.Close()
}

// reset closes a connection so that the other side sees that it was not its end.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	c.Close()
}

// pass moves bytes to dst and closes dst's half when their source has ended.
func pass(dst net.Conn, abort func(), move func() error) {
	if move() != nil {
		abort()
		return
	}
	if c, ok := dst.(interface{ CloseWrite() error }); !ok || c.CloseWrite() != nil {
		abort()
	}
}

// streams lends the buffers for copying TCP.
var streams = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

func copyStream(dst io.Writer, src io.Reader) error {
	buf := streams.Get().(*[]byte)
	defer streams.Put(buf)
	for {
		n, err := src.Read(*buf)
		if n > 0 {
			if _, werr := dst.Write((*buf)[:n]); werr != nil {
				return werr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
