package filter

import (
	"errors"

	"golang.zx2c4.com/wireguard/tun"
)

// batch is how many packets are judged at one go.
const batch = 128

// device is a plane's device behind the filter.
type device struct {
	tun.Device
	filter *Filter
}

// Wrap puts f in front of a plane's device.
func (f *Filter) Wrap(d tun.Device) tun.Device { return &device{d, f} }

// Write hands packets that came from peers on to the plane, as far as they may
// pass. Those that may not count as written: for wireguard-go they are done with.
func (d *device) Write(bufs [][]byte, offset int) (int, error) {
	var errs error
	for rest := bufs; len(rest) > 0; {
		n := min(len(rest), batch)
		if err := d.write(rest[:n], offset); err != nil {
			errs = errors.Join(errs, err)
		}
		rest = rest[n:]
	}
	if errs != nil {
		return 0, errs
	}
	return len(bufs), nil
}

// write judges all packets before it hands on any: the plane may answer, and
// wait for Read, before it returns.
func (d *device) write(bufs [][]byte, offset int) error {
	var pass [batch]bool
	var s session
	s.begin(d.filter)
	for i, b := range bufs {
		pass[i] = s.judge(b[offset:], fromPeer) == passed
	}
	s.end()
	var errs error
	for i := 0; i < len(bufs); {
		if !pass[i] {
			i++
			continue
		}
		from := i
		for i < len(bufs) && pass[i] {
			i++
		}
		if _, err := d.Device.Write(bufs[from:i], offset); err != nil {
			errs = errors.Join(errs, err)
		}
	}
	return errs
}

// Read takes packets to peers from the plane. Those that must not pass get the
// size 0, which wireguard-go skips: it ties each buffer to its place in bufs, so
// that none may be moved.
func (d *device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := d.Device.Read(bufs, sizes, offset)
	if n == 0 {
		return n, err
	}
	var s session
	s.begin(d.filter)
	for i := range n {
		if sizes[i] > 0 && s.judge(bufs[i][offset:offset+sizes[i]], toPeer) != passed {
			sizes[i] = 0
		}
	}
	s.end()
	return n, err
}
