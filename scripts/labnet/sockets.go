//go:build linux

package labnet

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects from the host. addr is no name: names would be looked up by
// the test's own resolver.
func (h *Host) Dial(ctx context.Context, network, addr string) (c net.Conn, err error) {
	err = h.with(addr, func() error {
		c, err = (&net.Dialer{}).DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

// Listen opens a TCP port on the host, until the test ends at the latest.
func (h *Host) Listen(network, addr string) (l net.Listener, err error) {
	err = h.with(addr, func() error {
		l, err = net.Listen(network, addr)
		return err
	})
	if err == nil {
		h.t.Cleanup(func() { l.Close() })
	}
	return l, err
}

// ListenPacket opens a UDP port on the host, until the test ends at the latest.
func (h *Host) ListenPacket(network, addr string) (p net.PacketConn, err error) {
	err = h.with(addr, func() error {
		p, err = net.ListenPacket(network, addr)
		return err
	})
	if err == nil {
		h.t.Cleanup(func() { p.Close() })
	}
	return p, err
}

// ListenMulticast hears on the host what is sent to an IPv4 group by a device, until
// the test ends at the latest.
func (h *Host) ListenMulticast(dev string, group netip.AddrPort) (c *net.UDPConn, err error) {
	err = h.inside(func() error {
		link, err := net.InterfaceByName(dev)
		if err != nil {
			return err
		}
		c, err = net.ListenMulticastUDP("udp4", link, net.UDPAddrFromAddrPort(group))
		return err
	})
	if err == nil {
		h.t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// HTTPClient makes a client whose connections begin on the host. It keeps none
// open and uses no proxy.
func (h *Host) HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: h.Dial, DisableKeepAlives: true}}
}

// with runs f, which opens a socket at addr, on the host.
func (h *Host) with(addr string, f func() error) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if host != "" && !isAddress(host) {
		return fmt.Errorf("opening a socket at %q: it is a name: give an address", addr)
	}
	return h.inside(f)
}

// inside runs f on a thread that has moved into the namespace. A socket stays
// in the namespace that it was made in; the thread is thrown away.
func (h *Host) inside(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The first thread stands for the whole process, and is never thrown
			// away: hold it back so that another one moves.
			defer runtime.UnlockOSThread()
			done <- h.inside(f)
			return
		}
		done <- h.enter(f) // never unlocked: the thread ends with the goroutine
	}()
	return <-done
}

// enter moves the thread into the namespace and runs f.
func (h *Host) enter(f func() error) error {
	ns, err := os.Open("/run/netns/" + h.Name)
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering %s: %w", h.Name, err)
	}
	return f()
}

// isAddress reports whether host is an address, perhaps with a zone.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
