package netstack

import (
	"net"
	"sync"
)

// datagrams lends buffers for one datagram. A flow that waits for one holds
// none: most flows do so for most of their time.
var datagrams = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// datagram is one in a lent buffer, which is nil when there is nothing in it.
type datagram struct {
	buf  *[]byte
	size int
}

// Write implements io.Writer: it lends the buffer when something comes.
func (d *datagram) Write(b []byte) (int, error) {
	if d.buf == nil {
		d.buf = datagrams.Get().(*[]byte)
	}
	n := copy((*d.buf)[d.size:], b)
	d.size += n
	return n, nil
}

func (d *datagram) bytes() []byte {
	if d.buf == nil {
		return nil
	}
	return (*d.buf)[:d.size]
}

// free gives the buffer back.
func (d *datagram) free() {
	if d.buf != nil {
		datagrams.Put(d.buf)
	}
	*d = datagram{}
}

// receiveAny is what receiver does for what is no socket of the system.
func receiveAny(c net.Conn, d *datagram) (err error) {
	d.buf = datagrams.Get().(*[]byte)
	if d.size, err = c.Read(*d.buf); err != nil {
		d.free()
	}
	return err
}
