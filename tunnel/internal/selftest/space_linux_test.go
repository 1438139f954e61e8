package selftest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netns"
)

// space is a network namespace. It has no name, and ends with the process.
type space struct{ ns netns.NsHandle }

// here is the namespace of the process: the box.
func here(t *testing.T) space {
	t.Helper()
	ns, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	return space{ns}
}

// newSpace makes a namespace without any cable.
func newSpace(t *testing.T) space {
	t.Helper()
	var s space
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // the thread is in the other namespace: it must not go on
		var err error
		s.ns, err = netns.New()
		made <- err
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.ns.Close() })
	s.sysctl(t, "ipv6/conf/default/accept_dad", "0") // addresses can be used at once
	s.run(t, "ip", "link", "set", "lo", "up")
	return s
}

// do runs f inside the namespace. Its thread ends with it.
func (s space) do(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		err := netns.Set(s.ns)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// run runs a program inside the namespace, which must work.
func (s space) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var out []byte
	err := s.do(func() (err error) {
		out, err = exec.CommandContext(context.Background(), name, args...).CombinedOutput()
		return err
	})
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// sysctl sets a value below net.
func (s space) sysctl(t *testing.T, key, value string) {
	t.Helper()
	if err := s.do(func() error { return os.WriteFile("/proc/sys/net/"+key, []byte(value), 0) }); err != nil {
		t.Fatalf("setting %s: %v", key, err)
	}
}

// address gives a device addresses and brings it up.
func (s space) address(t *testing.T, dev string, addrs ...string) {
	t.Helper()
	for _, a := range addrs {
		s.run(t, "ip", "addr", "add", a, "dev", dev, "nodad")
	}
	s.run(t, "ip", "link", "set", dev, "up")
}

// veth joins two namespaces by a cable, which goes with the test.
func veth(t *testing.T, a space, aDev string, b space, bDev string) {
	t.Helper()
	// The other end cannot be made in a namespace without a name: it is moved there.
	passing := "moving0"
	a.run(t, "ip", "link", "add", aDev, "type", "veth", "peer", "name", passing)
	t.Cleanup(func() {
		_ = a.do(func() error { return exec.CommandContext(context.Background(), "ip", "link", "del", aDev).Run() })
	})
	a.move(t, passing, b)
	b.run(t, "ip", "link", "set", passing, "name", bDev)
}

// move gives a device to another namespace.
func (s space) move(t *testing.T, dev string, to space) {
	t.Helper()
	// The program knows the namespace by a file of ours that stays open meanwhile.
	s.run(t, "ip", "link", "set", dev, "netns", fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), int(to.ns)))
}

func (s space) listen(t *testing.T, at string) net.Listener {
	t.Helper()
	var l net.Listener
	if err := s.do(func() (err error) { l, err = net.Listen("tcp", at); return }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func (s space) listenPacket(t *testing.T, at string) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	if err := s.do(func() (err error) {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
		return
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
