package netstack

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/waiter"
)

// moveDown moves what the host sends to the peer, until the host has ended. The
// stack reads from the socket into its own buffers, as much at a time as it
// makes one packet of. (The other way there is nothing to win: the stack's
// lock would be held while the socket is written to.)
func moveDown(peer *inner, host net.Conn, mtu int) error {
	raw, ok := rawOf(host)
	if !ok {
		return copyStream(peer, host)
	}
	e, ready := waiter.NewChannelEntry(waiter.WritableEvents | waiter.EventHUp | waiter.EventErr)
	peer.queue.EventRegister(&e)
	defer peer.queue.EventUnregister(&e)
	r := socketReader{segment: mtu - header.IPv6MinimumSize - header.TCPMinimumSize - header.TCPOptionsMaximumSize}
	if host.RemoteAddr().(*net.TCPAddr).IP.To4() != nil {
		r.segment += header.IPv6MinimumSize - header.IPv4MinimumSize
	}
	var terr tcpip.Error
	read := func(fd uintptr) bool {
		r.fd = int(fd)
		if terr = nil; r.look() {
			_, terr = peer.ep.Write(&r, tcpip.WriteOptions{})
		}
		return r.waiting > 0 || r.err != nil
	}
	for {
		if err := raw.Read(read); err != nil {
			return err
		}
		if errors.Is(r.err, io.EOF) {
			return nil
		}
		if r.err != nil {
			return fmt.Errorf("reading from the host: %w", r.err)
		}
		switch terr.(type) {
		case nil:
		case *tcpip.ErrWouldBlock:
			<-ready
		default:
			return errors.New(terr.String())
		}
	}
}

// most is how much one read takes: what the stack makes one packet of.
const most = 64 << 10

// socketReader is a tcpip.Payloader: the bytes that wait in a socket.
type socketReader struct {
	fd      int
	segment int // payload of a full one
	waiting int
	err     error
}

// look says whether there is something to read.
func (r *socketReader) look() bool {
	n, err := unix.IoctlGetInt(r.fd, unix.TIOCINQ)
	if err == nil && n == 0 { // nothing yet, the end, or an error
		var b [1]byte
		for n, _, err = unix.Recvfrom(r.fd, b[:], unix.MSG_PEEK); errors.Is(err, unix.EINTR); {
			n, _, err = unix.Recvfrom(r.fd, b[:], unix.MSG_PEEK)
		}
		switch {
		case errors.Is(err, unix.EAGAIN):
			r.waiting = 0
			return false
		case err == nil && n == 0:
			err = io.EOF
		}
	}
	if r.waiting = n; err != nil {
		r.waiting, r.err = 0, err
		return false
	}
	// Whole segments only, while there is more than one: short ones in between
	// break up the batches on the way to the peer.
	if r.waiting = min(n, most); r.waiting > r.segment {
		r.waiting -= r.waiting % r.segment
	}
	return true
}

// Len implements tcpip.Payloader.
func (r *socketReader) Len() int { return r.waiting }

// Read implements tcpip.Payloader.
func (r *socketReader) Read(b []byte) (int, error) {
	if len(b) == 0 { // the stack asks so whether this is the end
		return 0, nil
	}
	for {
		n, err := unix.Read(r.fd, b)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			r.err = err
			return 0, err
		case n == 0:
			r.err = io.ErrUnexpectedEOF
			return 0, r.err
		default:
			return n, nil
		}
	}
}

func rawOf(c net.Conn) (syscall.RawConn, bool) {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return nil, false
	}
	raw, err := t.SyscallConn()
	return raw, err == nil
}
