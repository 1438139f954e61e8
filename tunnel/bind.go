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

// steadyBind keeps wireguard-go's receivers alive: left alone they end for
// good after ten temporary errors or a single other one, such as the cable
// being out for a moment, and the tunnel would be deaf until a restart.
type steadyBind struct {
	conn.Bind
	log *slog.Logger

	mu     sync.Mutex    // guards closed
	closed chan struct{} // of the present opening
}

func newSteadyBind(inner conn.Bind, log *slog.Logger) *steadyBind {
	return &steadyBind{Bind: inner, log: log}
}

// Open implements conn.Bind.
func (b *steadyBind) Open(port uint16) ([]conn.ReceiveFunc, uint16, error) {
	receivers, actual, err := b.Bind.Open(port)
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
