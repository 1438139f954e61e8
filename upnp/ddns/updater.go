package ddns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"
)

// Updater keeps one name pointing at home.
type Updater struct {
	config    Config
	seams     seams
	publisher publisher
	authority interface {
		ask(context.Context) ([]view, error)
	}
	want    atomic.Pointer[Records]
	status  atomic.Pointer[Status]
	kick    chan struct{}
	changed chan struct{}
	running atomic.Bool
}

// New checks the config and reports all that is wrong with it. It starts nothing
// and asks nobody.
func New(c Config) (*Updater, error) { return newUpdater(c, realSeams(c.Resolver)) }

func newUpdater(c Config, s seams) (*Updater, error) {
	c, err := c.checked()
	if err != nil {
		return nil, fmt.Errorf("checking the dns name's settings: %w", err)
	}
	p, err := newPublisher(c, s)
	if err != nil {
		return nil, fmt.Errorf("checking the dns name's settings: %w", err)
	}
	servers := s
	if c.Provider == RFC2136 {
		servers.allow = allowAll // its servers may be in the home, and are only asked by DNS
	}
	u := &Updater{
		config: c, seams: s, publisher: p,
		authority: &authority{name: c.Name, zone: c.Zone, seams: servers},
		kick:      make(chan struct{}, 1),
		changed:   make(chan struct{}, 1),
	}
	u.want.Store(&Records{})
	u.status.Store(&Status{Provider: c.Provider, Name: c.Name, LastTry: c.LastTry})
	return u, nil
}

// Set says where home is. An address that is invalid or not public counts as none;
// v6 is published only with onlyIPv6, when the caller knows that nothing else
// works. It may be called at any time and from anywhere, never waits, and the last
// call wins.
func (u *Updater) Set(v4, v6 netip.Addr, onlyIPv6 bool) {
	r := wanted(v4, v6, onlyIPv6)
	if *u.want.Swap(&r) == r {
		return
	}
	select {
	case u.kick <- struct{}{}:
	default:
	}
}

// Status returns what is known now.
func (u *Updater) Status() Status { return *u.status.Load() }

// Changed receives after Status has changed in more than its times, and after
// every new LastTry. It is for one reader; several changes may come as one.
func (u *Updater) Changed() <-chan struct{} { return u.changed }

// Run publishes and verifies until ctx ends. What goes wrong with the provider is
// in Status; the error is about calling Run twice at once. The published address
// stays when it returns.
func (u *Updater) Run(ctx context.Context) error {
	if !u.running.CompareAndSwap(false, true) {
		return errors.New("running the dns updater: it runs already")
	}
	defer u.running.Store(false)
	k := newKeeper(u)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-u.kick:
		case <-timer.C:
		}
		if next := k.step(ctx); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(leastPause, time.Until(next)))
		}
	}
}

// show makes a status the current one.
func (u *Updater) show(s Status) {
	old := u.status.Swap(&s)
	if old.sameNews(s) {
		return
	}
	if s.Problem != old.Problem && s.Problem != "" {
		u.config.Logger.Warn("dns name has a problem", "name", s.Name, "provider", string(s.Provider), "err", s.Problem)
	}
	if s.State != old.State || s.Published != old.Published {
		u.config.Logger.Info("dns name", "name", s.Name, "state", s.State.String(), "published", s.Published.list())
	}
	select {
	case u.changed <- struct{}{}:
	default:
	}
}
