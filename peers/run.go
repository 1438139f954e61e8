package peers

import (
	"context"
	"slices"
	"time"
)

const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 30 * time.Second
	lookEvery  = 10 * time.Minute // for peers that were here, and for idle ones
	idleGrace  = time.Hour        // after a start: nobody can have been here while the box was off
	clockEvery = 10 * time.Second // while somebody's time will be over
	// A clock that moved this far between two looks was set, and may be wrong. In less, the
	// box may have slept, and nobody can have been here.
	jumped    = 72 * time.Hour
	jumpGrace = 24 * time.Hour
)

// Run tells the device who may come in, tells it again what it refused, forgets
// private keys on time and ends what has an end, until ctx ends. It returns nil.
// Peers stay in the device: closing it is up to its owner.
func (m *Manager) Run(ctx context.Context) error {
	defer m.handed.forgetAll()
	trouble := complaints{log: m.cfg.Logger}
	looked, retry, kicked := m.cfg.Now(), backOff{}, true
	mayIdle := looked.Add(idleGrace)
	defer func() { trouble.note("storing when devices were here", m.rememberSeen(context.WithoutCancel(ctx), 0)) }()
	for {
		trouble.note("erasing codes that were kept", m.ForgetKept(ctx))
		next := soonest(m.handed.forgetExpired(m.cfg.Now()), placesEvery)
		m.watchPlaces()
		if m.renewing() {
			trouble.note("storing a device's new key", m.moveOver(ctx))
			next = soonest(next, renewEvery)
		}
		if now := m.cfg.Now(); now.Sub(looked) >= lookEvery || now.Before(looked) {
			switch since := now.Sub(looked); {
			case since > jumped || since < 0:
				mayIdle = now.Add(jumpGrace)
			case since > 3*lookEvery && mayIdle.Before(now.Add(idleGrace)):
				mayIdle = now.Add(idleGrace)
			}
			looked = now
			trouble.note("storing when devices were here", m.rememberSeen(ctx, seenStep))
			if !now.Before(mayIdle) {
				trouble.note("switching idle devices off", m.idleOut(ctx))
			}
		}
		gone, err := m.removeLeavers(ctx)
		trouble.note("removing a device", err)
		next = soonest(next, gone)
		next = soonest(next, m.settle(kicked || retry.due()))
		next = soonest(next, retry.after(m.isRefused()))
		kicked = false
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(next):
		case <-m.kick:
			kicked = true
		}
	}
}

// watchPlaces tells once of each key that is used from two places in turns.
func (m *Manager) watchPlaces() {
	news := m.places.look(m.cfg.Now(), m.cfg.Device.Observed())
	if len(news) == 0 {
		return
	}
	for _, p := range m.latest.Load().byName {
		if slices.Contains(news, p.PublicKey) {
			m.cfg.Logger.Warn("the key of a device is used from two places in turns", "peer", p.ID, "name", string(p.Name), "places", m.places.of(p.PublicKey))
		}
	}
	m.subs.tell()
}

// soonest is the shorter one of two waits, of which zero is none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// settle gives the device what is wanted if it does not have that; where it
// refused the last time, only with again. It returns how long it takes until the
// next peer's time is over; zero means that none's is.
func (m *Manager) settle(again bool) (end time.Duration) {
	m.write.Lock()
	defer m.write.Unlock()
	now := m.cfg.Now()
	if !m.nextEnd.IsZero() && !now.Before(m.nextEnd) || now.Before(m.pushed) {
		m.settled = false // somebody's time is over, or not yet after all
	}
	if !m.settled && (again || !m.refusing) {
		_ = m.pushLocked() // which remembers a refusal
	}
	if m.nextEnd.IsZero() || m.refusing {
		return 0
	}
	// A timer does not hear of it when the clock is set.
	return min(max(m.nextEnd.Sub(now), time.Millisecond), clockEvery)
}

func (m *Manager) isRefused() bool {
	m.write.Lock()
	defer m.write.Unlock()
	return m.refusing
}

// backOff spaces the tries after refusals. Its zero value has seen none.
type backOff struct {
	wait time.Duration
	at   time.Time
}

func (b *backOff) due() bool { return !time.Now().Before(b.at) }

// after returns how long to wait for the next try; zero means that none is needed.
func (b *backOff) after(refused bool) time.Duration {
	if !refused {
		*b = backOff{}
		return 0
	}
	if b.due() {
		b.wait = min(max(2*b.wait, firstRetry), lastRetry)
		b.at = time.Now().Add(b.wait)
	}
	return time.Until(b.at)
}

// kickRun makes Run look again soon. It never waits.
func (m *Manager) kickRun() {
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// pushOrRetryLocked is pushLocked for callers outside Run, which then takes over.
func (m *Manager) pushOrRetryLocked() error {
	err := m.pushLocked()
	if err != nil {
		m.kickRun()
	}
	return err
}

// pushLocked gives the device all peers that may come in now and publishes the outcome. A
// refusal is logged when it begins and when it ends.
func (m *Manager) pushLocked() error {
	defer m.publishLocked()
	now := m.cfg.Now()
	want, nextEnd := wantedOf(m.roster.byID, now)
	versions := make(map[ID]int64, len(m.roster.byID))
	for _, p := range m.roster.byID {
		if p.wanted(now) {
			versions[p.ID] = p.Version
		}
	}
	if err := m.cfg.Device.SetPeers(want); err != nil {
		if !m.refusing {
			m.cfg.Logger.Warn("tunnel refused the devices, trying again", "err", err)
		}
		m.refusing, m.settled = true, false
		return err
	}
	if m.refusing {
		m.cfg.Logger.Info("tunnel took the devices")
	}
	m.applied, m.nextEnd, m.pushed, m.refusing, m.settled = versions, nextEnd, now, false, true
	return nil
}

// wantedOf is who may come in now, and when the first of them expires; zero means
// that none does.
func wantedOf(list []*Peer, now time.Time) (want []DevicePeer, nextEnd time.Time) {
	want = make([]DevicePeer, 0, len(list)+1)
	for _, p := range list {
		if !p.wanted(now) {
			continue
		}
		if !p.Expires.IsZero() && (nextEnd.IsZero() || p.Expires.Before(nextEnd)) {
			nextEnd = p.Expires
		}
		want = append(want, DevicePeer{PublicKey: p.PublicKey, PresharedKey: p.PresharedKey, Addresses: slices.Clone(p.Addresses), Access: p.Access})
		if p.Renewing() {
			want = append(want, DevicePeer{PublicKey: p.Next.PublicKey, PresharedKey: p.Next.PresharedKey, Access: p.Access})
		}
	}
	return want, nextEnd
}
