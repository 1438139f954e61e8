package tunnel

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"time"

	wgdevice "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/tunnel/internal/bind"
	"homeward/tunnel/internal/initiation"
)

// WireGuard answers a peer only when the time in its message is later than any before,
// so that nobody can repeat what was recorded. A phone whose clock was once in the future
// is locked out by that, until then. It is let in again when it keeps asking: each time
// anew, as only its key can, while nobody else uses that key. How often is bounded by
// leniency.
//
// Our own clock locks nobody out: it is in the handshakes that we begin, which a phone
// leaves unanswered after it was set back, and not in those that a phone begins.
const (
	forgiveEvery = 10 * time.Second
	forgiveTries = 3 // in a row, five seconds apart
)

// forgiver remembers who was not answered. One goroutine uses it.
type forgiver struct {
	tunnel *Tunnel
	asked  map[wgtypes.Key]initiation.Timestamp // when it asked last, by its own clock
	let    map[wgtypes.Key]leniency             // of the tunnel's peers only
}

func newForgiver(t *Tunnel) *forgiver { return &forgiver{t, nil, map[wgtypes.Key]leniency{}} }

// forgive lets in who is locked out by a clock, until ctx ends.
func (t *Tunnel) forgive(ctx context.Context, socket *bind.Bind) {
	f := newForgiver(t)
	tick := time.NewTicker(t.forgiveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.look(socket.Calls(time.Now().Add(-2*t.forgiveEvery)), time.Now())
		}
	}
}

// look goes through the latest calls.
func (f *forgiver) look(calls []bind.Call, now time.Time) {
	maps.DeleteFunc(f.let, func(key wgtypes.Key, _ leniency) bool { return !f.tunnel.has(key) })
	unanswered := map[wgtypes.Key]initiation.Timestamp{}
	done := map[wgtypes.Key]bool{}
	for _, c := range calls {
		if c.Answers > 0 || c.Tries < forgiveTries {
			continue
		}
		key, at, err := initiation.Proven(f.tunnel.cfg.PrivateKey, c.Message)
		if err != nil || done[key] {
			continue
		}
		// The same one again may be somebody's recording.
		if before, known := f.asked[key]; known && bytes.Compare(at[:], before[:]) > 0 && f.let[key].allows(at, now) {
			f.letIn(key, at, now)
			done[key] = true
			delete(unanswered, key)
			continue
		}
		// Of several the earliest counts: a recording of a day that has not come would
		// keep the phone from ever being later.
		if one, more := unanswered[key]; !more || bytes.Compare(at[:], one[:]) < 0 {
			unanswered[key] = at
		}
	}
	f.asked = unanswered
}

// letIn resets a peer that asks with the time at.
func (f *forgiver) letIn(key wgtypes.Key, at initiation.Timestamp, now time.Time) {
	done, err := f.tunnel.reset(key, now)
	if err != nil {
		f.tunnel.cfg.Logger.Warn("letting a device in that was locked out failed", "err", err)
	}
	if done {
		f.let[key] = f.let[key].used(at, now)
	}
}

// has says whether the device knows a peer.
func (t *Tunnel) has(key wgtypes.Key) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.applied[key]
	return known
}

// reset forgets what the device knows of a peer's handshakes, unless the peer is here or
// is none, and says whether it did.
func (t *Tunnel) reset(key wgtypes.Key, now time.Time) (done bool, err error) {
	for _, s := range t.Peers() {
		if age := now.Sub(s.LastHandshake); s.PublicKey == key && age >= 0 && age < wgdevice.RejectAfterTime {
			return false, nil // the key is in use, by this device or another one
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	p, known := t.applied[key]
	if t.device == nil || !known {
		return false, nil
	}
	var c controlText
	c.remove(key)
	if err := t.device.IpcSet(c.b.String()); err != nil {
		return false, fmt.Errorf("removing the peer %v: %w", p.Addresses, err)
	}
	t.applied = maps.Clone(t.applied)
	delete(t.applied, key)
	if err := t.applyLocked(); err != nil {
		return true, err
	}
	t.cfg.Logger.Info("a device is let in that was locked out, since its clock had been in the future", "addresses", p.Addresses)
	return true, nil
}
