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

	"homeward/tunnel/internal/echo"
	"homeward/tunnel/internal/knock"
	"homeward/tunnel/internal/lean"
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
	Door               *knock.Door // where browsers knock; nil: none may
	Asker              *echo.Asker // of those who see us from outside; nil: nobody asks
}

// Bind is the socket that wireguard-go should have had.
//
// It keeps the receivers alive: left alone they end for good after ten
// temporary errors or a single other one, such as the cable being out for a
// moment, and the tunnel would be deaf until a restart.
//
// It keeps its port. wireguard-go forgets the port it was told when a first
// attempt to open fails (the plane's "up" event makes one of its own), and the
// second one would succeed on any port.
//
// It may listen on further ports, where the router does not give the first one to us.
// A peer is answered from the port that it called: to its router and to ours that is
// one flow.
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

// ErrOnePort says that this system's sockets have one port only.
var ErrOnePort = errors.New("listening on further ports works on Linux only")

// several are sockets that can listen on more than one port.
type several interface {
	listenFurther(ports []uint16) (changed bool)
	notOpen() error
	furtherOpen() []uint16
}

// New makes a Bind. It opens nothing.
func New(cfg Config) *Bind { return wrap(newSockets(), cfg) }

// ListenFurther makes ports the only ones besides the first one. They are opened and
// closed when the device opens the bind the next time; changed says that it should.
func (b *Bind) ListenFurther(ports []uint16) (changed bool, err error) {
	s, ok := b.Bind.(several)
	if !ok && len(ports) > 0 {
		return false, ErrOnePort
	}
	return ok && s.listenFurther(ports), nil
}

// NotOpen says which of the further ports could not be opened and why, or nil.
func (b *Bind) NotOpen() error {
	if s, ok := b.Bind.(several); ok {
		return s.notOpen()
	}
	return nil
}

func wrap(inner conn.Bind, cfg Config) *Bind {
	return &Bind{Bind: inner, cfg: cfg, evidence: newEvidence(cfg.PublicKey), probe: newProber()}
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
	plain, perr := b.fromAnywhere(to)
	if perr != nil {
		return err
	}
	return b.Bind.Send(packets, plain)
}

func (b *Bind) fromAnywhere(to conn.Endpoint) (conn.Endpoint, error) {
	if e, ok := to.(interface{ fromAnywhere() conn.Endpoint }); ok {
		return e.fromAnywhere(), nil
	}
	return b.Bind.ParseEndpoint(to.DstToString())
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
	var trimmer lean.Trimmer
	return func(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		if b.cfg.FromPeers != nil {
			b.cfg.FromPeers.Wait()
		}
		trimmer.Trim(packets)
		n, err := receive(packets, sizes, eps)
		trimmer.Filled(n)
		if n > 0 {
			b.probe.take(packets[:n], sizes, b.called(eps[0])) // one receiver has one port
			if b.cfg.Asker.Waits() {
				b.takeEchoes(packets[:n], sizes, eps)
			}
			if b.cfg.Door.Waits() {
				b.answerKnocks(packets[:n], sizes, eps)
			}
			data := b.evidence.received(packets[:n], sizes, eps)
			if b.cfg.FromPeers != nil {
				b.cfg.FromPeers.In(data)
			}
		}
		return n, err
	}
}
