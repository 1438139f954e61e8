package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	wgdevice "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/tunnel/internal/bind"
	"homeward/tunnel/internal/dnsproxy"
	"homeward/tunnel/internal/echo"
	"homeward/tunnel/internal/filter"
	"homeward/tunnel/internal/knock"
	"homeward/tunnel/internal/pace"
	"homeward/tunnel/internal/plane"
)

// Tunnel is the WireGuard device with its data plane.
type Tunnel struct {
	cfg    Config
	ready  chan struct{}
	filter *filter.Filter
	door   knock.Door
	asker  echo.Asker
	public wgtypes.Key // our own

	forgiveEvery time.Duration // for tests

	mu      sync.Mutex // guards what follows
	home    []netip.Prefix
	status  Status
	wanted  map[wgtypes.Key]Peer
	applied map[wgtypes.Key]Peer
	device  *wgdevice.Device // nil while the tunnel is not up
	plane   plane.Plane
	socket  *bind.Bind
	names   *dnsproxy.Proxy // nil while names cannot be looked up
	notes   []string        // problems that don't come from the plane
	changes uint64          // of the filter, up to which the plane has followed
	users   []netip.Addr    // of the box's own services
	further []uint16        // the UDP ports that are wanted besides the first

	opening sync.Mutex // one change of the ports at a time; taken before mu
}

// underWay is how many packets may be inside of the device, each way: half of one of
// its batches for each core that works on them, and one on its way out. More gain
// nothing: they cost memory, and all that comes later waits behind them.
func underWay() int { return min(64*(runtime.GOMAXPROCS(0)+1), 3*conn.IdealBatchSize) }

// New checks cfg. It starts nothing.
func New(cfg Config) (*Tunnel, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	f, err := filter.New(filter.Config{Addresses: cfg.Addresses})
	if err != nil {
		return nil, fmt.Errorf("making the tunnel: %w", err)
	}
	public := cfg.PrivateKey.Public()
	return &Tunnel{
		cfg:    cfg,
		public: public,
		ready:  make(chan struct{}),
		filter: f,

		forgiveEvery: forgiveEvery,

		status: Status{ListenPort: cfg.ListenPort, PublicKey: public, Since: time.Now()},
		wanted: map[wgtypes.Key]Peer{},
	}, nil
}

// Ready is closed when handshakes are possible.
func (t *Tunnel) Ready() <-chan struct{} { return t.ready }

// Run brings the tunnel up, after removing what a crashed run left behind, and
// takes it down when ctx ends. It may be called once.
func (t *Tunnel) Run(ctx context.Context) (err error) {
	if err := Cleanup(t.cfg.Interface, t.cfg.StateDir); errors.Is(err, os.ErrPermission) {
		// Rootless; whoever cannot look could not have left anything either.
		t.cfg.Logger.Debug("looking for what an earlier run left behind is not permitted", "err", err)
	} else if err != nil {
		t.cfg.Logger.Warn("removing what an earlier run left behind failed", "err", err)
	}
	chosen, err := openPlane(t.cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, chosen.plane.Close()) }()
	if err := t.lookAround(newHostReader()); err != nil {
		t.note(fmt.Sprintf("Nothing but names can be reached until the box's own addresses can be read: %v.", err))
	}
	in, out := pace.NewWindow(underWay()), pace.NewWindow(underWay())
	socket := bind.New(bind.Config{Port: t.cfg.ListenPort, PublicKey: t.cfg.PrivateKey.Public(), Logger: t.cfg.Logger, FromPeers: in, ToPeers: out, Door: &t.door, Asker: &t.asker})
	t.listenFurther(socket)
	inside := pace.Wrap(t.filter.Wrap(chosen.plane.Device()), in, out)
	d := wgdevice.NewDevice(inside, socket, deviceLogger(t.cfg.Logger))
	defer d.Close()
	if err := start(d, t.cfg); err != nil {
		return err
	}
	defer t.down()
	if err := t.up(d, socket, chosen); err != nil {
		return err
	}
	if err := t.openFurther(); err != nil {
		t.cfg.Logger.Warn("listening on further UDP ports failed", "err", err)
	}
	return t.serve(ctx, d, socket, chosen)
}

// start configures the device and opens its socket. Either step may be the one
// that opens it: the plane's first event brings the device up as well.
func start(d *wgdevice.Device, cfg Config) error {
	err := d.IpcSet(deviceText(cfg))
	if err == nil {
		err = d.Up()
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: UDP port %d: stop that program, or choose another port with --port before the first code is made", ErrPortInUse, cfg.ListenPort)
	}
	if err != nil {
		return fmt.Errorf("starting WireGuard on UDP port %d: %w", cfg.ListenPort, err)
	}
	return nil
}

// up publishes the running device and gives it the peers wanted so far.
func (t *Tunnel) up(d *wgdevice.Device, socket *bind.Bind, chosen opened) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.device, t.plane, t.socket, t.applied = d, chosen.plane, socket, map[wgtypes.Key]Peer{}
	t.status.Up, t.status.Since = true, time.Now()
	t.status.Plane, t.status.Reason, t.status.Interface = chosen.kind, chosen.reason, chosen.iface
	if err := errors.Join(t.applyLocked(), t.openBoxLocked()); err != nil {
		return err
	}
	close(t.ready)
	t.cfg.Logger.Info("tunnel up", "plane", chosen.kind, "reason", chosen.reason, "port", t.cfg.ListenPort)
	return nil
}

func (t *Tunnel) down() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.device, t.plane, t.socket, t.names, t.applied, t.notes = nil, nil, nil, nil, nil, nil
	t.status.Up, t.status.Since = false, time.Now()
}

// serve runs what belongs to the running device, until ctx ends or the device
// does.
func (t *Tunnel) serve(ctx context.Context, d *wgdevice.Device, socket *bind.Bind, chosen opened) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	dns, err := dnsproxy.New(dnsproxy.Config{Addresses: addresses(t.cfg.Addresses), Resolvers: t.cfg.Resolvers, Network: chosen.plane, Logger: t.cfg.Logger})
	if err == nil {
		err = dns.Listen()
	}
	if err != nil {
		t.note(fmt.Sprintf("Names cannot be looked up inside the tunnel: %v.", err))
	} else {
		t.mu.Lock()
		t.names = dns
		t.mu.Unlock()
		wg.Go(func() { dns.Run(ctx) })
	}
	wg.Go(func() { t.followHost(ctx) })
	wg.Go(func() { socket.Watch(ctx, d.BindUpdate) })
	wg.Go(func() { t.forgive(ctx, socket) })
	if w, ok := chosen.plane.(plane.Watcher); ok {
		wg.Go(func() { w.Watch(ctx) })
	}
	wg.Go(func() { _ = t.filter.Run(ctx) }) // it has no error but the end
	if chosen.iface != "" {
		wg.Go(func() { serveUAPI(ctx, d, chosen.iface, t.cfg.Logger) })
	}
	select {
	case <-ctx.Done():
		return nil
	case <-d.Wait():
		return errors.New("running the WireGuard device: it ended by itself: the log says why; start homeward again")
	}
}

// note keeps a problem for the status and tells the log.
func (t *Tunnel) note(problem string) {
	t.cfg.Logger.Warn("tunnel works with a limit", "problem", problem)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, problem)
}

// SetPeers makes the given peers the only ones that may come in. It can be
// called before Run, and again with the same: peers that stay as they are keep
// their sessions. A list with a mistake in it changes nothing. When it returns
// nil, a peer that is not in the list is out, its open flows included, and so
// are flows to what a peer may no longer reach.
func (t *Tunnel) SetPeers(list []Peer) error {
	wanted, err := t.cfg.checkPeers(list, t.public)
	if err != nil {
		return fmt.Errorf("setting the peers: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	// First the filter: whoever may come in afterwards is known to it then. In
	// memory and quick, too.
	if err := t.filter.SetPeers(guarded(list)); err != nil {
		return fmt.Errorf("setting the peers: %w", err)
	}
	t.wanted, t.users = wanted, boxUsers(list)
	err = t.applyLocked()
	t.cutForbiddenLocked()
	return errors.Join(err, t.openBoxLocked())
}

// openBoxLocked tells the plane whom the filter may let through to the box.
func (t *Tunnel) openBoxLocked() error {
	b, ok := t.plane.(plane.BoxOpener)
	if !ok {
		return nil
	}
	if err := b.OpenBox(t.users); err != nil {
		return fmt.Errorf("setting the peers: %w", err)
	}
	return nil
}

// cutForbiddenLocked ends in the plane what the filter has already cut, so that
// the other side does not wait for a peer that can no longer answer.
func (t *Tunnel) cutForbiddenLocked() {
	now := t.filter.Changes()
	if c, ok := t.plane.(plane.FlowJudge); ok && now != t.changes {
		c.CutFlowsUnless(t.filter.Allows)
	}
	t.changes = now
}

// applyLocked brings the device, if there is one, to the wanted peers. The
// device's control calls are in memory and quick, so t.mu may be held.
func (t *Tunnel) applyLocked() error {
	if t.device == nil {
		return nil
	}
	text, cut := changes(t.applied, t.wanted)
	if text == "" {
		return nil
	}
	if err := t.device.IpcSet(text); err != nil {
		// Nobody knows how far it came: begin with no peers at the next call.
		t.applied = map[wgtypes.Key]Peer{}
		t.device.RemoveAllPeers()
		return fmt.Errorf("setting the peers: %w", err)
	}
	t.applied = t.wanted
	if c, ok := t.plane.(plane.FlowCutter); ok && len(cut) > 0 {
		c.CutFlows(cut)
	}
	return nil
}

// Peers returns what was observed of each peer; none while the tunnel is down.
func (t *Tunnel) Peers() []PeerStatus {
	t.mu.Lock()
	d := t.device
	t.mu.Unlock()
	if d == nil {
		return nil
	}
	text, err := d.IpcGet()
	if err != nil {
		t.cfg.Logger.Warn("asking the device for its peers failed", "err", err)
		return nil
	}
	list, err := parseStatus(text)
	if err != nil {
		t.cfg.Logger.Warn("asking the device for its peers failed", "err", err)
	}
	return list
}

// Status returns a snapshot.
func (t *Tunnel) Status() Status {
	t.mu.Lock()
	s, p, socket, notes, further := t.status, t.plane, t.socket, slices.Clone(t.notes), slices.Clone(t.further)
	t.mu.Unlock()
	if p != nil {
		bounds := filter.DefaultLimits()
		s.Limits = fmt.Sprintf("packet filter %d (%d a device, %d of these without an answer)", bounds.Total, bounds.PerPeer, bounds.PerPeerHalfOpen)
	}
	if l, ok := p.(plane.LimitReporter); ok {
		s.Limits += "; " + l.Limits()
	}
	if socket != nil {
		s.Further = further
		s.Arrivals = socket.Evidence()
		if err := socket.NotOpen(); err != nil {
			notes = append(notes, fmt.Sprintf("A further UDP port is not listened on: %v: stop the program that has it.", err))
		}
		if problem := socket.Problem(); problem != "" {
			notes = append(notes, problem)
		}
	}
	if r, ok := p.(plane.ProblemReporter); ok {
		if problem := r.Problem(); problem != "" {
			notes = append(notes, problem)
		}
	}
	s.Problem = strings.Join(notes, " ")
	return s
}

func addresses(own []netip.Prefix) []netip.Addr {
	out := make([]netip.Addr, len(own))
	for i, p := range own {
		out[i] = p.Addr()
	}
	return out
}

// deviceLogger hands wireguard-go's own messages to the debug log: there is one
// for each handshake, and strangers can cause them.
func deviceLogger(log *slog.Logger) *wgdevice.Logger {
	say := func(format string, args ...any) { log.Debug("wireguard: " + fmt.Sprintf(format, args...)) }
	return &wgdevice.Logger{Verbosef: wgdevice.DiscardLogf, Errorf: say}
}
