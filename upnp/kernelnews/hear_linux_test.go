package kernelnews

import (
	"context"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Each family's group hears of an address of that family, and Hear ends with its
// context and without an error.
func TestAnAddressThatComesIsHeard(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("a network namespace of its own needs root")
	}
	for family, one := range map[string]struct {
		groups  uint32
		address string
	}{"IPv4": {IPv4, "192.0.2.7/32"}, "IPv6": {IPv6, "2001:db8::7/128"}} {
		t.Run(family, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			heard, inside, ended := make(chan struct{}, 1), make(chan netns.NsHandle, 1), make(chan error, 1)
			go func() {
				runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
				if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
					ended <- err
					return
				}
				ns, err := netns.Get()
				if err != nil {
					ended <- err
					return
				}
				inside <- ns
				ended <- Hear(ctx, one.groups, func() {
					select {
					case heard <- struct{}{}:
					default:
					}
				})
			}()
			var ns netns.NsHandle
			select {
			case ns = <-inside:
			case err := <-ended:
				t.Fatal(err)
			}
			defer ns.Close()
			change(t, ns, one.address, heard)
			stop()
			if err := <-ended; err != nil {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

// change gives loopback an address and takes it away until that is heard: when the
// listener is ready is not known.
func change(t *testing.T, ns netns.NsHandle, address string, heard <-chan struct{}) {
	t.Helper()
	kernel, err := netlink.NewHandleAt(ns)
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	lo, err := kernel.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	a, err := netlink.ParseAddr(address)
	if err != nil {
		t.Fatal(err)
	}
	late, again := time.After(time.Minute), time.NewTicker(50*time.Millisecond)
	defer again.Stop()
	for {
		if err := kernel.AddrReplace(lo, a); err != nil {
			t.Fatal(err)
		}
		select {
		case <-heard:
			return
		case <-late:
			t.Fatal("nothing is heard in a minute")
		case <-again.C:
		}
		if err := kernel.AddrDel(lo, a); err != nil {
			t.Fatal(err)
		}
	}
}
