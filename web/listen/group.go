package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// Server is what a Group needs of an http.Server.
type Server interface {
	Serve(net.Listener) error
}

// Config is what a Group needs. All fields but Wrap and Every are required.
type Config struct {
	// Server answers on every socket. Whoever made it shuts it down.
	Server Server
	// Wanted returns the addresses to listen on now; it is asked again every
	// Every. Addresses without a working socket are tried again each time.
	Wanted func() ([]netip.AddrPort, error)
	// Wrap changes a socket before it is served (TLS); nil leaves it alone.
	Wrap func(net.Listener) net.Listener
	// Every is how often the addresses are looked at; zero means 10 s.
	Every  time.Duration
	Logger *slog.Logger
}

// Group listens on a changing set of addresses.
type Group struct {
	cfg   Config
	open  map[netip.AddrPort]*socket
	lastE string
}

type socket struct {
	net.Listener
	done chan struct{}
}

// Bind opens the sockets that can be opened now. It fails when there is
// something to listen on and none of it works, naming the first reason.
func Bind(cfg Config) (*Group, error) {
	if cfg.Every == 0 {
		cfg.Every = 10 * time.Second
	}
	g := &Group{cfg: cfg, open: map[netip.AddrPort]*socket{}}
	if err := g.reconcile(); err != nil && len(g.open) == 0 {
		return nil, err
	}
	return g, nil
}

// Addresses returns where the group listens at the moment of Bind.
func (g *Group) Addresses() []netip.AddrPort {
	var a []netip.AddrPort
	for at := range g.open {
		a = append(a, at)
	}
	slices.SortFunc(a, netip.AddrPort.Compare)
	return a
}

// Run follows the addresses until ctx ends; then it closes the sockets and
// waits until the server has let go of them.
func (g *Group) Run(ctx context.Context) error {
	defer g.Close()
	t := time.NewTicker(g.cfg.Every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		msg := ""
		if err := g.reconcile(); err != nil {
			msg = err.Error()
		}
		if msg != g.lastE { // a repeated failure is told once
			g.lastE = msg
			if msg != "" {
				g.cfg.Logger.Warn("admin page not on all addresses", "err", msg)
			}
		}
	}
}

// Close closes the sockets of a group that is not run, or not any more, and waits
// until the server has let go of them. It may be called again.
func (g *Group) Close() {
	for at, s := range g.open {
		s.Close()
		<-s.done
		delete(g.open, at)
	}
}

// reconcile opens what is wanted and closes what is not.
func (g *Group) reconcile() error {
	wanted, err := g.cfg.Wanted()
	if err != nil {
		return fmt.Errorf("listing the addresses for the admin page: %w", err)
	}
	for at, s := range g.open {
		gone := !slices.Contains(wanted, at)
		select {
		case <-s.done: // the server gave up on it
			gone = true
		default:
		}
		if gone {
			s.Close()
			<-s.done
			delete(g.open, at)
		}
	}
	var errs []error
	for _, at := range wanted {
		if g.open[at] != nil {
			continue
		}
		if err := g.listen(at); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (g *Group) listen(at netip.AddrPort) error {
	l, err := net.Listen("tcp", at.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listening on %v for the admin page: another program uses TCP port %d: choose another with --admin-port: %w", at, at.Port(), err)
	}
	if err != nil {
		return fmt.Errorf("listening on %v for the admin page: %w", at, err)
	}
	if g.cfg.Wrap != nil {
		l = g.cfg.Wrap(l)
	}
	s := &socket{Listener: l, done: make(chan struct{})}
	g.open[at] = s
	go func() {
		defer close(s.done)
		g.cfg.Server.Serve(l)
		l.Close()
	}()
	g.cfg.Logger.Debug("admin page listens", "addr", at)
	return nil
}
