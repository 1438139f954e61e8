package running

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/ipc"
	"golang.zx2c4.com/wireguard/tun"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers/imports"
)

// How the test runs itself again.
const (
	inSpace = "in a space of its own"
	asOther = "as somebody without rights"
)

func again(t *testing.T, as string, attr *syscall.SysProcAttr) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env, cmd.Dir, cmd.SysProcAttr = append(os.Environ(), marked+"="+as), "/", attr
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("%s: %v\n%s", as, err, out)
	}
	return string(out)
}

// A program of the namespace is listed and read, and whoever has no rights sees that it is
// there.
func TestAProgramThatRunsIsRead(t *testing.T) {
	switch os.Getenv(marked) {
	case "":
		if os.Getuid() != 0 {
			t.Skip("needs root: it makes a network interface in a namespace of its own")
		}
		again(t, inSpace, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL})
		return
	case asOther:
		list, err := New("").List(t.Context())
		_, cannot := New("").Conf(t.Context(), "wgold")
		fmt.Printf("sees %+v, %v, %v\n", list, err, cannot)
		return
	}
	folder := privateSockets(t)
	key, conf := program(t, "wgold")
	m := New("homeward0")
	want := Interface{Name: "wgold", Kind: Program, Port: 51999, Devices: 1}
	if list, err := m.List(t.Context()); err != nil || len(list) != 1 || list[0] != want {
		t.Errorf("%+v, %v", list, err)
	}
	text, err := m.Conf(t.Context(), "wgold")
	if err != nil {
		t.Fatal(err)
	}
	s, err := imports.Conf("wgold.conf", text)
	if err != nil || s.PrivateKey.Public() != key.PublicKey() || s.Port != 51999 || len(s.Devices) != 1 || s.Devices[0].PublicKey != conf || s.Devices[0].Addresses[0] != netip.MustParseAddr("10.99.7.2") || s.Addresses[0] != netip.MustParsePrefix("10.99.7.1/24") {
		t.Errorf("%+v, %v", s, err)
	}
	if list, err := New("wgold").List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("homeward's own is told: %+v, %v", list, err)
	}
	if _, err := New("wgold").Conf(t.Context(), "wgold"); !errors.Is(err, ErrNone) {
		t.Errorf("homeward's own is read: %v", err)
	}
	for _, name := range []string{"lo", "nowhere"} {
		if _, err := m.Conf(t.Context(), name); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	out := again(t, asOther, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}})
	if !strings.Contains(out, "sees [{Name:wgold Kind:userspace Port:0 Devices:0 Err:"+ErrNotAllowed.Error()+"}], <nil>, "+ErrNotAllowed.Error()) {
		t.Errorf("without rights: %s", out)
	}
	socketsOfOthers(t, m, folder)
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if out := again(t, asOther, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}); !strings.Contains(out, "sees [], looking for the sockets of programs: ") {
		t.Errorf("without the right to look: %s", out)
	}
}

// privateSockets makes the folder of the sockets one of this process.
func privateSockets(t *testing.T) (folder string) {
	t.Helper()
	if err := os.MkdirAll(sockets, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", sockets, "tmpfs", 0, "mode=0755"); err != nil {
		t.Fatal(err)
	}
	if _, err := New("").List(t.Context()); err != nil {
		t.Errorf("in an empty folder: %v", err)
	}
	return sockets
}

// program is a WireGuard server as wireguard-go is one.
func program(t *testing.T, name string) (key, phone wgtypes.Key) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := wgtypes.GeneratePrivateKey()
	must(err)
	phone, err = wgtypes.GenerateKey()
	must(err)
	wire, err := tun.CreateTUN(name, 1420)
	must(err)
	d := device.NewDevice(wire, conn.NewDefaultBind(), device.NewLogger(device.LogLevelSilent, ""))
	t.Cleanup(d.Close)
	must(d.IpcSet(fmt.Sprintf("private_key=%x\nlisten_port=51999\npublic_key=%x\nallowed_ip=10.99.7.2/32\n", key[:], phone[:])))
	must(d.Up())
	file, err := ipc.UAPIOpen(name)
	must(err)
	l, err := ipc.UAPIListen(name, file)
	must(err)
	t.Cleanup(func() { l.Close(); file.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go d.IpcHandle(c)
		}
	}()
	link, err := netlink.LinkByName(name)
	must(err)
	must(netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(10, 99, 7, 1).To4(), Mask: net.CIDRMask(24, 32)}}))
	must(netlink.LinkSetUp(link))
	return key, phone
}

// socketsOfOthers are of a program that ended, of one in another namespace, and of one
// that hangs.
func socketsOfOthers(t *testing.T, m *Machine, folder string) {
	t.Helper()
	listen := func(name string) *net.UnixListener {
		t.Helper()
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(folder, name+".sock")})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	ended := listen("lo")
	ended.SetUnlinkOnClose(false)
	ended.Close()
	defer listen("elsewhere").Close()
	if list, err := m.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := os.Remove(filepath.Join(folder, "lo.sock")); err != nil {
		t.Fatal(err)
	}
	hangs := listen("lo")
	m.waits = 300 * time.Millisecond
	list, err := m.List(t.Context())
	if err != nil || len(list) != 2 || list[0].Name != "lo" || !errors.Is(list[0].Err, ErrSilent) || list[1].Err != nil {
		t.Errorf("%+v, %v", list, err)
	}
	hangs.Close()
}
