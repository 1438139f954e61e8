package upnp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// Config is what a Mapper needs. Port and Description are required.
type Config struct {
	// Port is the UDP port to map, the same on both sides: the one that is really
	// listened on.
	Port uint16
	// Description marks our entries in the router's table. It must be the same
	// after a restart and differ between two boxes: "homeward-<8 hex digits>".
	// At most 32 characters of a–z, 0–9 and "-".
	Description string
	// Lease is asked of the router; zero means one hour.
	Lease time.Duration
	// Gateway finds the router; nil reads the kernel's default route. It is called
	// often and must not wait for the network.
	Gateway func() (Gateway, error)
	// Logger may be nil.
	Logger *slog.Logger
	// Secret is what the proofs of ownership of PCP mappings are made of: 16 bytes
	// or more that nobody can guess, the same after a restart. Without it each
	// Mapper makes up its own, and a router may refuse, until the lease ends, to
	// renew or remove what a crashed run made.
	Secret []byte
	// SSDPPort is where the router answers searches; zero means 1900, the only
	// one outside tests.
	SSDPPort uint16
	// ControlPort is where the router answers NAT-PMP and PCP; zero means 5351, the
	// only one outside tests.
	ControlPort uint16
}

const defaultLease = time.Hour

// The pace of the work. Routers are weak: while all is well this is one request
// a minute, and no search.
const (
	minRenew     = 30 * time.Second
	checkEvery   = 5 * time.Minute
	firstCheck   = 2 * time.Second // after a new entry: some routers drop it at once
	addressEvery = time.Minute
	epochEvery   = 25 * time.Second // the same by PCP or NAT-PMP: one packet, which also tells of a restart
	routeEvery   = 10 * time.Second // asks the kernel only
	noRouteEvery = 5 * time.Second
	knockEvery   = 10 * time.Second // a router that went away: one packet, see knock
	knockFor     = 30 * time.Minute
	witnessEvery = 30 * time.Minute      // searches for UPnP beside a mapping by another protocol
	leastPause   = 50 * time.Millisecond // between steps, whatever they say
	attemptTime  = 15 * time.Second
	releaseTime  = 2 * time.Second
	// steadyAfter is how long a mapping must last until an earlier trouble is forgotten.
	steadyAfter = 10 * time.Minute
)

// backoff is the pause after so many failed attempts in a row.
func backoff(failures int) time.Duration {
	pauses := [...]time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute}
	return pauses[min(max(failures-1, 0), len(pauses)-1)]
}

// Mapper keeps one UDP port of the home router open.
type Mapper struct {
	config    Config
	log       *slog.Logger
	gateway   func() (Gateway, error)
	protocols []protocol // in the order of preference
	// hearRoutes and hearRouter call back when the network, or the router, has news,
	// until their context ends. They may be nil.
	hearRoutes func(ctx context.Context, changed func()) error
	hearRouter func(ctx context.Context, gw Gateway, heard func()) error
	status     atomic.Pointer[Status]
	changed    chan struct{}
	jobs       chan job
}

// New checks the config. It starts nothing.
func New(c Config) (*Mapper, error) {
	if c.Port == 0 {
		return nil, errors.New("making the port mapper: no port to map")
	}
	if c.Description == "" || len(c.Description) > 32 ||
		strings.Trim(c.Description, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return nil, fmt.Errorf("making the port mapper: description %q must be 1 to 32 of a–z, 0–9 and -", c.Description)
	}
	if c.Lease < 0 || c.Lease > longLease {
		return nil, fmt.Errorf("making the port mapper: a lease of %v is not between 0 and %v", c.Lease, longLease)
	}
	if c.Lease == 0 {
		c.Lease = defaultLease
	}
	if c.Gateway == nil {
		c.Gateway = kernelGateway
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.SSDPPort == 0 {
		c.SSDPPort = ssdpPort
	}
	if c.ControlPort == 0 {
		c.ControlPort = controlPort
	}
	if c.Secret == nil {
		c.Secret = make([]byte, 32)
		rand.Read(c.Secret) // it never fails
	}
	if len(c.Secret) < 16 {
		return nil, fmt.Errorf("making the port mapper: a secret of %d bytes can be guessed, 16 are the least", len(c.Secret))
	}
	m := &Mapper{
		config:  c,
		log:     c.Logger,
		gateway: c.Gateway,
		protocols: []protocol{
			&pcp{port: c.ControlPort, secret: c.Secret},
			&natpmp{port: c.ControlPort},
			&igd{ssdpPort: c.SSDPPort, log: c.Logger},
		},
		hearRoutes: hearRoutes,
		hearRouter: hearAnnouncements,
		changed:    make(chan struct{}, 1),
		jobs:       make(chan job),
	}
	m.status.Store(&Status{Verdict: Starting, Since: time.Now(), Port: c.Port})
	return m, nil
}

// Status returns what is known now.
func (m *Mapper) Status() Status { return *m.status.Load() }

// Changed receives after Status has changed in more than its times. It is for one
// reader; several changes may come as one.
func (m *Mapper) Changed() <-chan struct{} { return m.changed }

// Run keeps the port open until ctx ends, and then removes the mapping within two
// seconds. It never returns an error: what is wrong with the router is in Status.
// It may be called again after it returned, not twice at once.
func (m *Mapper) Run(ctx context.Context) error {
	k := &keeper{m: m, stopping: ctx, ears: newEars()}
	k.ears.watch(ctx, m)
	defer k.ears.close()
	defer k.release(context.WithoutCancel(ctx))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.ears.rerouted:
			k.rerouted()
			timer.Reset(max(0, time.Until(k.due())))
			continue
		case <-k.ears.announced:
			k.announced()
			timer.Reset(max(0, time.Until(k.due())))
			continue
		case f := <-m.jobs:
			f(ctx, k)
			timer.Reset(max(0, time.Until(k.due())))
			continue
		case <-timer.C:
		}
		timer.Reset(max(leastPause, time.Until(k.step(ctx))))
	}
}

// publish makes a status the current one. Its Since is the old one's when the
// verdict stays.
func (m *Mapper) publish(s Status) {
	old := m.status.Load()
	s.Since = time.Now()
	if s.Verdict == old.Verdict {
		s.Since = old.Since
	}
	s = s.placed(*old, time.Now())
	m.status.Store(&s)
	if s.sameNews(*old) {
		return
	}
	if s.Verdict != old.Verdict || s.External != old.External {
		m.log.Info("the way through the router changed", "verdict", s.Verdict.String(), "port", s.Port,
			"gateway", s.Gateway.Addr, "external", s.External, "via", s.Router.Via, "problem", s.Problem)
	}
	select {
	case m.changed <- struct{}{}:
	default:
	}
}
