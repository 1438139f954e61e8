// Package pace bounds how many packets are under way inside of wireguard-go. It
// has a buffer of 64 KiB for each, and would take in as many as there is memory
// for, when the side that they go to is the slower one. Whoever brings packets
// waits instead, so that they wait in the kernel's bounded queues.
//
// The bound is a soft one: some packets never come out (nobody's, replayed,
// waiting for a handshake), and nobody is told. When nothing comes out for a
// while, all are taken for lost.
package pace

import (
	"sync/atomic"
	"time"

	"golang.zx2c4.com/wireguard/tun"

	"homeward/tunnel/internal/lean"
)

// patience is how long nothing comes out until the rest is taken for lost.
const patience = 2 * time.Millisecond

// Window counts packets under way in one direction.
type Window struct {
	most    int64
	inside  atomic.Int64
	waiting atomic.Int32
	wake    chan struct{}
}

// NewWindow makes a window for so many packets.
func NewWindow(most int) *Window { return &Window{most: int64(most), wake: make(chan struct{}, 1)} }

// In says that n packets went in.
func (w *Window) In(n int) { w.inside.Add(int64(n)) }

// Out says that n packets came out.
func (w *Window) Out(n int) {
	left := w.inside.Add(-int64(n))
	if left < 0 { // some that were taken for lost
		w.inside.CompareAndSwap(left, 0)
	}
	if left < w.most && w.waiting.Load() > 0 {
		w.signal()
	}
}

func (w *Window) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Wait waits until there is room.
func (w *Window) Wait() {
	if w.inside.Load() < w.most {
		return
	}
	w.waiting.Add(1)
	defer func() {
		if w.waiting.Add(-1) > 0 {
			w.signal() // the next one
		}
	}()
	before := w.inside.Load()
	t := time.NewTimer(patience)
	defer t.Stop()
	for w.inside.Load() >= w.most {
		select {
		case <-w.wake:
		case <-t.C:
			if w.inside.Load() >= before {
				w.inside.Store(0)
				return
			}
			before = w.inside.Load()
			t.Reset(patience)
		}
	}
}

// device is a tun.Device between two windows.
type device struct {
	tun.Device
	fromPeers, toPeers *Window
	lean               lean.Trimmer
}

// Wrap tells the windows what comes out of wireguard-go into d, and what goes
// in from d. It keeps the buffers lean in which that goes.
func Wrap(d tun.Device, fromPeers, toPeers *Window) tun.Device {
	return &device{Device: d, fromPeers: fromPeers, toPeers: toPeers}
}

// Write implements tun.Device.
func (d *device) Write(bufs [][]byte, offset int) (int, error) {
	n, err := d.Device.Write(bufs, offset)
	d.fromPeers.Out(len(bufs))
	return n, err
}

// Read implements tun.Device.
func (d *device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	d.toPeers.Wait()
	d.lean.Trim(bufs)
	n, err := d.Device.Read(bufs, sizes, offset)
	filled := n
	if err != nil {
		filled = len(bufs) // more than counts
	}
	d.lean.Filled(filled)
	for _, size := range sizes[:n] {
		if size > 0 {
			d.toPeers.In(1)
		}
	}
	return n, err
}
