package kernel

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/tun"

	"homeward/tunnel/internal/rawcall"
	"homeward/tunnel/internal/segment"
)

// tunDevice is the TUN device. It moves large packets: what the kernel has
// joined or not cut yet is cut on the way in, and runs of a stream are joined
// on the way out, from where their packets lie.
type tunDevice struct {
	name   string
	mtu    int
	file   *os.File
	raw    syscall.RawConn
	events chan tun.Event
	closed sync.Once

	in reader // used by one goroutine

	mu  sync.Mutex // guards out
	out writer
}

var _ tun.Device = (*tunDevice)(nil)

// openTUN makes the device or takes one that persists.
func openTUN(name string, mtu int) (*tunDevice, error) {
	fd, err := unix.Open(tunPath, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", tunPath, err)
	}
	if err := configureTUN(fd, name); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return newTUN(fd, name, mtu)
}

// newTUN takes a descriptor that does not block, and closes it.
func newTUN(fd int, name string, mtu int) (*tunDevice, error) {
	d := &tunDevice{name: name, mtu: mtu, file: os.NewFile(uintptr(fd), tunPath), events: make(chan tun.Event, 1)}
	var err error
	if d.raw, err = d.file.SyscallConn(); err != nil {
		d.file.Close()
		return nil, err
	}
	d.in.init()
	d.out.init()
	d.events <- tun.EventUp
	return d, nil
}

func configureTUN(fd int, name string) error {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return fmt.Errorf("attaching to it: %w", err)
	}
	// A kernel that refuses hands us packets that are whole.
	_ = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4|unix.TUN_F_TSO6)
	return nil
}

func (d *tunDevice) File() *os.File           { return d.file }
func (d *tunDevice) MTU() (int, error)        { return d.mtu, nil }
func (d *tunDevice) Name() (string, error)    { return d.name, nil }
func (d *tunDevice) Events() <-chan tun.Event { return d.events }
func (d *tunDevice) BatchSize() int           { return segment.Batch }

// Close implements tun.Device. It may be called again.
func (d *tunDevice) Close() error {
	var err error
	d.closed.Do(func() {
		close(d.events)
		err = d.file.Close()
	})
	return err
}

// Read waits for packets and hands out all that are there, as far as bufs reach.
func (d *tunDevice) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	r := &d.in
	r.bufs, r.sizes, r.offset, r.few, r.waited, r.n, r.err = bufs, sizes, offset, r.n <= rawcall.Few, false, 0, nil
	if r.handOut(); r.n < len(bufs) {
		if err := d.raw.Read(r.take); err != nil && r.n == 0 {
			return 0, os.ErrClosed
		}
	}
	if r.n == 0 && r.err != nil {
		if errors.Is(r.err, unix.EBADFD) {
			return 0, os.ErrClosed // somebody removed the interface
		}
		return 0, fmt.Errorf("reading from the TUN device: %w", r.err)
	}
	return r.n, nil
}

// Write hands packets to the kernel. A packet that it refuses is lost, as
// anywhere on the way.
func (d *tunDevice) Write(bufs [][]byte, offset int) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs error
	for rest := bufs; len(rest) > 0; {
		n := min(len(rest), segment.Batch)
		if err := d.out.batch(d.raw, rest[:n], offset); err != nil {
			errs = err // the last will do
		}
		rest = rest[n:]
	}
	if errs != nil {
		return 0, errs
	}
	return len(bufs), nil
}
