package bind

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/tunnel/internal/pace"
)

// How long a receiver rests after an error, growing.
const (
	firstRest = 5 * time.Millisecond
	longRest  = time.Second
)

// Config is what a Bind needs.
type Config struct {
	Port      uint16      // UDP
	PublicKey wgtypes.Key // our own: what is meant for another server is told apart by it
	Logger    *slog.Logger
	// FromPeers and ToPeers bound the data under way in the device; nil means no bound.
	FromPeers, ToPeers *pace.Window
}

// Bind is the socket that wireguard-go should have had.
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
type Bind struct {
	conn.Bind
	cfg      Config
	evidence *evidence
	probe    *prober
	deaf     atomic.Pointer[string]

	mu     sync.Mutex // guards closed
	closed chan struct{}
}

// New makes a Bind. It opens nothing.
func New(cfg Config) *Bind { return wrap(newSockets(), cfg) }

func wrap(inner conn.Bind, cfg Config) *Bind {
	return &Bind{Bind: inner, cfg: cfg, evidence: newEvidence(cfg.PublicKey), probe: newProber(cfg.Port)}
}

// Open implements conn.Bind. It opens the bind's own port, whatever is asked for.
func (b *Bind) Open(uint16) ([]conn.ReceiveFunc, uint16, error) {
	receivers, actual, err := b.Bind.Open(b.cfg.Port)
	if err != nil {
		return nil, 0, err
	}
	closed := make(chan struct{})
	b.mu.Lock()
	b.closed = closed
	b.mu.Unlock()
	for i, r := range receivers {
		receivers[i] = b.look(b.steady(r, closed))
	}
	return receivers, actual, nil
}

// Close implements conn.Bind.
func (b *Bind) Close() error {
	b.mu.Lock()
	if b.closed != nil {
		close(b.closed)
		b.closed = nil
	}
	b.mu.Unlock()
	return b.Bind.Close()
}

// Send implements conn.Bind.
func (b *Bind) Send(packets [][]byte, to conn.Endpoint) error {
	b.evidence.sending(packets, to)
	if b.cfg.ToPeers != nil {
		defer b.cfg.ToPeers.Out(len(packets))
	}
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
func (b *Bind) steady(receive conn.ReceiveFunc, closed <-chan struct{}) conn.ReceiveFunc {
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
				b.cfg.Logger.Warn("receiving on the UDP socket failed, trying on", "err", err)
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

// look notes what receive brings, and takes out what we sent to ourselves.
func (b *Bind) look(receive conn.ReceiveFunc) conn.ReceiveFunc {
	return func(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		if b.cfg.FromPeers != nil {
			b.cfg.FromPeers.Wait()
		}
		n, err := receive(packets, sizes, eps)
		if n > 0 {
			b.probe.take(packets[:n], sizes)
			data := b.evidence.received(packets[:n], sizes, eps)
			if b.cfg.FromPeers != nil {
				b.cfg.FromPeers.In(data)
			}
		}
		return n, err
	}
}
