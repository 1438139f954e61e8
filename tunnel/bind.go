package tunnel

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/conn"
)

// How long a receiver rests after an error, growing.
const (
	firstRest = 5 * time.Millisecond
	longRest  = time.Second
)

// steadyBind is the socket that wireguard-go should have had.
//
// It keeps the receivers alive: left alone they end for good after ten
// temporary errors or a single other one, such as the cable being out for a
// moment, and the tunnel would be deaf until a restart.
//
// It has one port. wireguard-go forgets the port it was told when a first
// attempt to open fails (the plane's "up" event makes one of its own), and the
// second one would succeed on any port.
//
// It sends again without the remembered source address when that is gone, as
// after a change of the host's address. wireguard-go's own cure listens to
// route changes, but only for a conn.StdNetBind.
type steadyBind struct {
	conn.Bind
	port uint16
	log  *slog.Logger

	mu     sync.Mutex    // guards closed
	closed chan struct{} // of the present opening
}

func newSteadyBind(inner conn.Bind, port uint16, log *slog.Logger) *steadyBind {
	return &steadyBind{Bind: inner, port: port, log: log}
}

// Open implements conn.Bind. It opens the bind's own port, whatever is asked for.
func (b *steadyBind) Open(uint16) ([]conn.ReceiveFunc, uint16, error) {
	receivers, actual, err := b.Bind.Open(b.port)
	if err != nil {
		return nil, 0, err
	}
	closed := make(chan struct{})
	b.mu.Lock()
	b.closed = closed
	b.mu.Unlock()
	for i, r := range receivers {
		receivers[i] = b.steady(r, closed)
	}
	return receivers, actual, nil
}

// Close implements conn.Bind.
func (b *steadyBind) Close() error {
	b.mu.Lock()
	if b.closed != nil {
		close(b.closed)
		b.closed = nil
	}
	b.mu.Unlock()
	return b.Bind.Close()
}

// Send implements conn.Bind.
func (b *steadyBind) Send(packets [][]byte, to conn.Endpoint) error {
	err := b.Bind.Send(packets, to)
	if err == nil || errors.Is(err, net.ErrClosed) || !to.SrcIP().IsValid() {
		return err
	}
	// Another endpoint, since others may be sending to this one just now.
	// WireGuard takes a packet that arrives twice once.
	plain, perr := b.Bind.ParseEndpoint(to.DstToString())
	if perr != nil {
		return err
	}
	return b.Bind.Send(packets, plain)
}

// steady repeats receive until it works or the bind is closed.
func (b *steadyBind) steady(receive conn.ReceiveFunc, closed <-chan struct{}) conn.ReceiveFunc {
	rest, last := firstRest, ""
	return func(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		for {
			n, err := receive(packets, sizes, eps)
			if err == nil {
				rest, last = firstRest, ""
				return n, nil
			}
			if errors.Is(err, net.ErrClosed) {
				return 0, err
			}
			if msg := err.Error(); msg != last {
				last = msg
				b.log.Warn("receiving on the UDP socket failed, trying on", "err", err)
			}
			t := time.NewTimer(rest)
			select {
			case <-closed:
				t.Stop()
				return 0, net.ErrClosed
			case <-t.C:
			}
			rest = min(2*rest, longRest)
		}
	}
}
