package peers

import (
	"context"
	"slices"
	"time"
)

const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// Run tells the device who may come in, tells it again what it refused, and
// forgets private keys on time, until ctx ends. It returns nil. Peers stay in
// the device: closing it is up to its owner.
func (m *Manager) Run(ctx context.Context) error {
	defer m.handed.forgetAll()
	retry := firstRetry
	for {
		next := m.handed.forgetExpired(m.cfg.Now())
		if m.renewing() {
			m.moveOver(ctx)
			if next == 0 || renewEvery < next {
				next = renewEvery
			}
		}
		if m.settle() {
			retry = firstRetry
		} else {
			if next == 0 || retry < next {
				next = retry
			}
			retry = min(2*retry, lastRetry)
		}
		var wake <-chan time.Time
		if next > 0 {
			wake = time.After(next)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-m.kick:
		}
	}
}

// settle says whether the device has what is wanted, after trying.
func (m *Manager) settle() bool {
	m.write.Lock()
	defer m.write.Unlock()
	return m.settled || m.pushLocked() == nil
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

// pushLocked gives the device all enabled peers and publishes the outcome. A
// refusal is logged when it begins and when it ends.
func (m *Manager) pushLocked() error {
	defer m.publishLocked()
	var want []DevicePeer
	versions := make(map[ID]int64)
	for _, p := range m.peers {
		if p.Enabled {
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
	m.applied, m.refusing, m.settled = versions, false, true
	return nil
}
