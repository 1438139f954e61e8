// Package peerstest has a WireGuard device for tests that only remembers.
package peerstest

import (
	"maps"
	"slices"
	"sync"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
)

// Device is a peers.Device in memory. Its methods may be called from any goroutine.
type Device struct {
	mu       sync.Mutex // guards the fields that follow
	peers    []peers.DevicePeer
	observed map[wgtypes.Key]peers.Observed
	refusals []error
	calls    int
}

// NewDevice returns a Device without peers.
func NewDevice() *Device {
	return &Device{observed: make(map[wgtypes.Key]peers.Observed)}
}

// RefuseNext makes one more call of SetPeers fail with err. Refusals queue up.
func (d *Device) RefuseNext(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusals = append(d.refusals, err)
}

// SetPeers implements peers.Device.
func (d *Device) SetPeers(want []peers.DevicePeer) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if len(d.refusals) > 0 {
		err := d.refusals[0]
		d.refusals = d.refusals[1:]
		return err
	}
	d.peers = slices.Clone(want)
	return nil
}

// Observed implements peers.Device.
func (d *Device) Observed() map[wgtypes.Key]peers.Observed {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.observed)
}

// Observe makes Observed return o for the peer with the given public key.
func (d *Device) Observe(key wgtypes.Key, o peers.Observed) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.observed[key] = o
}

// Peers returns what SetPeers took last.
func (d *Device) Peers() []peers.DevicePeer {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.peers)
}

// Has says whether the peer with the given public key may come in.
func (d *Device) Has(key wgtypes.Key) bool {
	return slices.ContainsFunc(d.Peers(), func(p peers.DevicePeer) bool { return p.PublicKey == key })
}

// Calls returns how often SetPeers was called, refusals included.
func (d *Device) Calls() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}
