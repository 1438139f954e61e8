package listen

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// tlsHandshake is the first byte of a TLS connection (RFC 8446, 5.1: content
// type handshake).
const tlsHandshake = 22

// firstByte is how long a client may take to say anything at all.
const firstByte = 10 * time.Second

// undecided bounds the connections whose first byte has not come yet.
const undecided = 256

// TLSOrRedirect serves TLS on l with cfg. A client that speaks plain HTTP is
// sent to the same address by https, if its Host header is one that allowed
// accepts, else it is cut off: the header is a stranger's word.
func TLSOrRedirect(l net.Listener, cfg *tls.Config, allowed func(host string) bool) net.Listener {
	b := &both{Listener: l, cfg: cfg, allowed: allowed, ready: make(chan net.Conn), closed: make(chan struct{}), slots: make(chan struct{}, undecided)}
	b.wg.Go(b.accept)
	return b
}

type both struct {
	net.Listener
	cfg     *tls.Config
	allowed func(string) bool
	ready   chan net.Conn
	slots   chan struct{}
	once    sync.Once
	closed  chan struct{}
	err     error // set before closed is closed by accept
	wg      sync.WaitGroup
}

func (b *both) accept() {
	for {
		select {
		case b.slots <- struct{}{}:
		case <-b.closed:
			return
		}
		c, err := b.Listener.Accept()
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				<-b.slots
				continue
			}
			b.shut(err)
			return
		}
		b.wg.Go(func() {
			defer func() { <-b.slots }()
			b.decide(c)
		})
	}
}

// decide looks at the first byte of c and hands it on.
func (b *both) decide(c net.Conn) {
	stop := make(chan struct{})
	defer close(stop)
	go func() { // a Close of the listener must not wait for a silent client
		select {
		case <-b.closed:
			c.SetReadDeadline(time.Unix(1, 0))
		case <-stop:
		}
	}()
	c.SetReadDeadline(time.Now().Add(firstByte))
	r := bufio.NewReaderSize(c, 4096)
	first, err := r.Peek(1)
	if err != nil {
		c.Close()
		return
	}
	if first[0] != tlsHandshake {
		b.redirect(c, r)
		c.Close()
		return
	}
	c.SetReadDeadline(time.Time{})
	select {
	case b.ready <- tls.Server(&peeked{c, r}, b.cfg):
	case <-b.closed:
		c.Close()
	}
}

// redirect answers one plain HTTP request.
func (b *both) redirect(c net.Conn, r *bufio.Reader) {
	req, err := http.ReadRequest(bufio.NewReader(io.LimitReader(r, 8<<10)))
	if err != nil || !b.allowed(req.Host) {
		return
	}
	c.SetWriteDeadline(time.Now().Add(firstByte))
	resp := &http.Response{
		StatusCode: http.StatusTemporaryRedirect, ProtoMajor: 1, ProtoMinor: 1, Close: true, Request: req,
		Header: http.Header{"Location": {"https://" + req.Host + req.URL.RequestURI()}, "Cache-Control": {"no-store"}},
	}
	resp.Write(c)
}

// Accept returns connections that have begun to speak TLS.
func (b *both) Accept() (net.Conn, error) {
	select {
	case c := <-b.ready:
		return c, nil
	case <-b.closed:
		return nil, b.err
	}
}

func (b *both) shut(err error) {
	b.once.Do(func() {
		b.err = err
		close(b.closed)
	})
}

// Close ends the listener and every connection that has not said anything yet.
func (b *both) Close() error {
	b.shut(net.ErrClosed)
	err := b.Listener.Close()
	b.wg.Wait()
	return err
}

// peeked is a connection of which some bytes have been read ahead.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }
