package upnp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Mapper needs. Port and Description are required.
type Config struct {
	// Port is the UDP port to map, the same on both sides: the one that is really
	// listened on. See Elsewhere for where the router gives it to somebody else.
	Port uint16
	// Elsewhere opens other ports where the router doesn't give us Port; nil: Port or
	// none.
	Elsewhere Elsewhere
	// Description marks our entries in the router's table. It must be the same
	// after a restart and differ between two boxes: "homeward-<8 hex digits>".
	// At most 32 characters of a–z, 0–9 and "-".
	Description string
	// Lease is asked of the router; zero means one hour.
	Lease time.Duration
	// Gateway finds the router; nil reads the kernel's default route. It is called
	// often and must not wait for the network.
	Gateway func() (Gateway, error)
	// Gateway6 is the same for IPv6: Self is then our lasting global address. Nil
	// reads the kernel's route, or, where Gateway is set, leaves IPv6 alone.
	Gateway6 func() (Gateway, error)
	// SecondRouter lets a router in front of the home router be asked, too, where
	// the home router has a private address on its internet side. It may be somebody
	// else's.
	SecondRouter bool
	// Journal remembers over a crash what is ours on the router. It may be nil.
	Journal Journal
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

const (
	defaultLease = time.Hour
	// movingLease is asked for where our own address has changed. Most routers let
	// nobody remove what leads to another address, so the entry for the old one is in
	// the way until its lease ends.
	movingLease = 10 * time.Minute
)

// The pace of the work. Routers are weak, and whoever is out waits for the door: while
// all is well this is a small request or two every 25 seconds, and no search.
const (
	minRenew     = 30 * time.Second
	checkEvery   = 5 * time.Minute
	lookEvery    = 25 * time.Second // the same for IPv4, where it is a look or a packet
	firstCheck   = 2 * time.Second  // after a new entry: some routers drop it at once
	addressEvery = 50 * time.Second // another address is known within a minute, with time for a slow answer
	epochEvery   = 25 * time.Second // the same by PCP or NAT-PMP: one packet, which also tells of a restart
	routeEvery   = 10 * time.Second // asks the kernel only
	noRouteEvery = 5 * time.Second
	knockEvery   = 10 * time.Second // a router that went away: one packet, see knock
	knockFor     = 30 * time.Minute
	witnessEvery = 30 * time.Minute      // searches for UPnP beside a mapping by another protocol
	leastPause   = 50 * time.Millisecond // between steps, whatever they say
	attemptTime  = 15 * time.Second
	releaseTime  = 2 * time.Second
	// steadyAfter is how long a mapping must last until an earlier trouble is forgotten. It
	// is less than the pace at which routers tidy up (five or ten minutes): what they
	// forgot again and again is made anew at once each time.
	steadyAfter = 2 * time.Minute
)

// backoff is the pause after so many failed attempts in a row.
func backoff(failures int) time.Duration {
	pauses := [...]time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute}
	return pauses[min(max(failures-1, 0), len(pauses)-1)]
}

// fullPause is the first pause after a router that has no room: it is weak, and its list
// does not get shorter within seconds.
const fullPause = 30 * time.Second

// pause is the pause after so many failed attempts in a row, the last of which came to a.
func pause(a answer, failures int) time.Duration {
	if a.outcome != tableFull && a.outcome != badArgument {
		return backoff(failures)
	}
	if failures <= 1 {
		return fullPause
	}
	return backoff(math.MaxInt)
}

// Mapper keeps one UDP port of the home router open, and the owner's forwards.
type Mapper struct {
	config Config
	log    *slog.Logger
	others *otherRouters
	side         // IPv4's
	six    *side // IPv6's; nil: left alone
	second *side // that of the router in front of the router; nil: left alone
	turn   turn

	publishing sync.Mutex // guards who writes status, and four
	four       Status     // what is known of IPv4 alone
	outer      Status     // what is known of the router in front of the router
	guess      guess      // where that router is looked for
	status     atomic.Pointer[Status]
	present    atomic.Uint32 // the port that is wanted now; the leading side writes it
	changed    chan struct{}
	jobs       chan job
	looks      chan struct{} // 1-buffered: somebody waits for what the router does

	wanted    atomic.Pointer[[]Forward]
	byHand    atomic.Bool
	rewanted  chan struct{} // the wanted ones have changed, or byHand
	forwarded atomic.Pointer[[]ForwardStatus]
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
		if c.Gateway6 == nil {
			c.Gateway6 = kernelGateway6
		}
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
	others := &otherRouters{}
	m := &Mapper{
		config: c,
		log:    c.Logger,
		others: others,
		side: side{
			forwards: true,
			leads:    true,
			gateway:  c.Gateway,
			protocols: []protocol{
				&pcp{port: c.ControlPort, secret: c.Secret},
				&natpmp{port: c.ControlPort},
				&igd{ssdpPort: c.SSDPPort, log: c.Logger, others: others},
			},
			hearRoutes: hearRoutes,
			hearRouter: hearAnnouncements,
			hearEvents: hearEvents,
		},
		turn:    make(turn, 1),
		changed: make(chan struct{}, 1),
		jobs:    make(chan job),
		looks:   make(chan struct{}, 1),

		rewanted: make(chan struct{}, 1),
	}
	m.wanted.Store(new([]Forward))
	m.side.tell = m.tellIPv4
	m.setPort(c.Port)
	if c.Elsewhere != nil && c.Elsewhere.Port() != 0 {
		m.setPort(c.Elsewhere.Port())
	}
	first := Status{Verdict: Starting, Since: time.Now(), Port: m.port(), FirstPort: c.Port, IPv6: Pinhole{Verdict: Disabled}}
	if c.Gateway6 != nil {
		m.six = m.pinholes()
		first.IPv6.Verdict = Starting
	}
	if c.SecondRouter {
		m.second = m.secondRouter()
	}
	m.four = first
	m.status.Store(&first)
	return m, nil
}

// port is the UDP port that is wanted now, on both sides.
func (m *Mapper) port() uint16 { return uint16(m.present.Load()) }

func (m *Mapper) setPort(port uint16) { m.present.Store(uint32(port)) }

// Look has the router asked within a few seconds whether it still sends the port here:
// somebody waits for a device to come in. It doesn't wait itself.
func (m *Mapper) Look() { note(m.looks)() }

// Status returns what is known now.
func (m *Mapper) Status() Status { return *m.status.Load() }

// Changed receives after Status has changed in more than its times. It is for one
// reader; several changes may come as one.
func (m *Mapper) Changed() <-chan struct{} { return m.changed }

// Run keeps the port open until ctx ends, and then removes the mapping within two
// seconds. It never returns an error: what is wrong with the router is in Status.
// It may be called again after it returned, not twice at once.
func (m *Mapper) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	defer wait.Wait()
	begun := make(chan struct{})
	for _, s := range []*side{m.six, m.second} {
		if s == nil {
			continue
		}
		wait.Go(func() {
			select {
			case <-begun: // IPv4 on the nearest router goes first
				m.keep(ctx, s, nil, func() {})
			case <-ctx.Done():
			}
		})
	}
	m.keep(ctx, &m.side, m.jobs, sync.OnceFunc(func() { close(begun) }))
	return nil
}

// keep keeps one side open until ctx ends, and then takes back what is ours.
// It calls stepped after every step.
func (m *Mapper) keep(ctx context.Context, s *side, jobs <-chan job, stepped func()) {
	k := &keeper{m: m, side: s, port: m.port(), stopping: ctx, ears: newEars()}
	k.recall(ctx)
	var rewanted <-chan struct{}
	if s.forwards {
		rewanted = m.rewanted
	}
	var looks <-chan struct{}
	if s.leads {
		looks = m.looks
	}
	k.ears.watch(ctx, s, m.log)
	defer k.ears.close()
	defer k.release(context.WithoutCancel(ctx))
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.ears.rerouted:
			k.rerouted()
			timer.Reset(max(0, time.Until(k.due())))
			continue
		case <-k.ears.announced:
			k.announced()
			timer.Reset(max(0, time.Until(k.due())))
			continue
		case <-looks:
			k.look()
			timer.Reset(max(0, time.Until(k.due())))
			continue
		case f := <-jobs:
			m.turn.take()
			f(ctx, k)
			m.turn.give()
			timer.Reset(max(0, time.Until(k.due())))
			continue
		case <-rewanted:
			k.recheckForwards()
			k.rehand()
			timer.Reset(max(0, time.Until(k.due())))
			continue
		case <-timer.C:
		}
		m.turn.take()
		next := k.step(ctx)
		m.turn.give()
		stepped()
		timer.Reset(max(leastPause, time.Until(next)))
	}
}

// tellIPv4 publishes what is known of IPv4.
func (m *Mapper) tellIPv4(s Status) {
	m.publishing.Lock()
	defer m.publishing.Unlock()
	m.four = s
	m.publish(m.status.Load().IPv6)
}

// tellIPv6 publishes what is known of IPv6.
func (m *Mapper) tellIPv6(s Status) {
	m.publishing.Lock()
	defer m.publishing.Unlock()
	m.publish(s.pinhole(m.status.Load().IPv6))
}

// publish makes what is known of both sides the current status. Its Since is the
// old one's when the verdict stays.
func (m *Mapper) publish(six Pinhole) {
	old := m.status.Load()
	s := m.four.behind(m.outer).with(six)
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
	if s.IPv6.Verdict != old.IPv6.Verdict || s.IPv6.Address != old.IPv6.Address {
		m.log.Info("the way in by IPv6 changed", "verdict", s.IPv6.Verdict.String(), "address", s.IPv6.Address,
			"via", s.IPv6.Via, "problem", s.IPv6.Problem)
	}
	select {
	case m.changed <- struct{}{}:
	default:
	}
}
