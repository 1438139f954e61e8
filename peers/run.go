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
)

// Run tells the device who may come in, tells it again what it refused, forgets
// private keys on time and ends what has an end, until ctx ends. It returns nil.
// Peers stay in the device: closing it is up to its owner.
func (m *Manager) Run(ctx context.Context) error {
	defer m.handed.forgetAll()
	trouble := complaints{log: m.cfg.Logger}
	started, retry := m.cfg.Now(), firstRetry
	looked := started
	defer func() { trouble.note("storing when devices were here", m.rememberSeen(context.WithoutCancel(ctx), 0)) }()
	for {
		next := soonest(m.handed.forgetExpired(m.cfg.Now()), lookEvery)
		if m.renewing() {
			trouble.note("storing a device's new key", m.moveOver(ctx))
			next = soonest(next, renewEvery)
		}
		if now := m.cfg.Now(); now.Sub(looked) >= lookEvery || now.Before(looked) {
			looked = now
			trouble.note("storing when devices were here", m.rememberSeen(ctx, seenStep))
			if now.Sub(started) >= idleGrace {
				trouble.note("switching idle devices off", m.idleOut(ctx))
			}
		}
		end, settled := m.settle()
		next = soonest(next, end)
		if settled {
			retry = firstRetry
		} else {
			next = soonest(next, retry)
			retry = min(2*retry, lastRetry)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(next):
		case <-m.kick:
		}
	}
}

// soonest is the shorter one of two waits, of which zero is none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// settle says whether the device has what is wanted, after trying, and how long
// it takes until the next peer's time is over; zero means that none's is.
func (m *Manager) settle() (end time.Duration, settled bool) {
	m.write.Lock()
	defer m.write.Unlock()
	now := m.cfg.Now()
	if !m.nextEnd.IsZero() && !now.Before(m.nextEnd) {
		m.settled = false
	}
	settled = m.settled || m.pushLocked() == nil
	if !m.nextEnd.IsZero() {
		// A timer does not hear of it when the clock is set.
		end = min(max(m.nextEnd.Sub(now), time.Millisecond), clockEvery)
	}
	return end, settled
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
	var want []DevicePeer
	var nextEnd time.Time
	now, versions := m.cfg.Now(), make(map[ID]int64)
	for _, p := range m.peers {
		if p.wanted(now) {
			if !p.Expires.IsZero() && (nextEnd.IsZero() || p.Expires.Before(nextEnd)) {
				nextEnd = p.Expires
			}
			want = append(want, DevicePeer{PublicKey: p.PublicKey, PresharedKey: p.PresharedKey, Addresses: slices.Clone(p.Addresses), Access: p.Access})
			if p.Renewing() {
				want = append(want, DevicePeer{PublicKey: p.Next.PublicKey, PresharedKey: p.Next.PresharedKey, Access: p.Access})
			}
			versions[p.ID] = p.Version
		}
	}
	slices.SortFunc(want, func(a, b DevicePeer) int { return slices.Compare(a.PublicKey[:], b.PublicKey[:]) })
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
	m.applied, m.nextEnd, m.refusing, m.settled = versions, nextEnd, false, true
	return nil
}
