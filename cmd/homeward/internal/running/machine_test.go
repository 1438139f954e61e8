package running

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers/imports"
)

func TestMain(m *testing.M) {
	if os.Getenv(marked) == withKernel {
		readTheKernels()
		return
	}
	goleak.VerifyTestMain(m)
}

// fake is a machine whose interfaces answer as told.
func fake(own string, answers map[string]func() (*wgtypes.Device, error)) *Machine {
	var found []named
	for name := range answers {
		kind := Program
		if strings.HasPrefix(name, "kernel") {
			kind = Kernel
		}
		found = append(found, named{name, kind})
	}
	return &Machine{
		own: own, names: func() ([]named, error) { return found, nil }, waits: time.Second,
		ask:    func(name string) (*wgtypes.Device, error) { return answers[name]() },
		prefix: func(string) ([]netip.Prefix, error) { return []netip.Prefix{netip.MustParsePrefix("10.9.0.1/24")}, nil },
	}
}

func answers(d *wgtypes.Device) func() (*wgtypes.Device, error) {
	return func() (*wgtypes.Device, error) { return d, nil }
}

func refuses(err error) func() (*wgtypes.Device, error) {
	return func() (*wgtypes.Device, error) { return nil, err }
}

// server listens, and knows devices by what they may send.
func server(port int, allowed ...string) *wgtypes.Device {
	key, _ := wgtypes.GeneratePrivateKey()
	d := &wgtypes.Device{PrivateKey: key, PublicKey: key.PublicKey(), ListenPort: port}
	for _, text := range allowed {
		_, n, _ := net.ParseCIDR(text)
		key, _ := wgtypes.GeneratePrivateKey()
		d.Peers = append(d.Peers, wgtypes.Peer{PublicKey: key.PublicKey(), AllowedIPs: []net.IPNet{*n}})
	}
	return d
}

func TestServersAreToldAndOwnInterfaceAndWaysOutAreNot(t *testing.T) {
	list, err := fake("homeward0", map[string]func() (*wgtypes.Device, error){
		"kernel1":   answers(server(51820, "10.9.0.2/32", "10.9.0.3/32")),
		"wg1":       answers(server(51821)),
		"homeward0": answers(server(51822, "10.8.0.2/32")),
		"mullvad":   answers(server(40000, "0.0.0.0/0")),
		"mullvad6":  answers(server(40001, "::/0")),
		"gone":      refuses(os.ErrNotExist),
		"ended":     refuses(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}),
	}).List(t.Context())
	want := []Interface{{Name: "kernel1", Kind: Kernel, Port: 51820, Devices: 2}, {Name: "wg1", Kind: Program, Port: 51821}}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestWhyAnInterfaceCannotBeReadIsToldWithoutWhatItAnswered(t *testing.T) {
	const key = "AAgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM01o="
	for name, tt := range map[string]struct {
		err, want error
		says      string
	}{
		"netlink":  {syscall.EPERM, ErrNotAllowed, "root"},
		"a socket": {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)}, ErrNotAllowed, "root"},
		"a folder": {&os.PathError{Op: "open", Path: "/var/run/wireguard", Err: syscall.EACCES}, ErrNotAllowed, "root"},
		"busy":     {syscall.EBUSY, syscall.EBUSY, "reading the interface wg0: "},
		"nonsense": {errors.New("invalid key=value pair: private_key=" + key), nil, "reading the interface wg0: its answer is not understood"},
	} {
		m := fake("", map[string]func() (*wgtypes.Device, error){"wg0": refuses(tt.err)})
		list, err := m.List(t.Context())
		if err != nil || len(list) != 1 || list[0].Port != 0 {
			t.Fatalf("%s: %+v, %v", name, list, err)
		}
		_, err = m.Conf(t.Context(), "wg0")
		for _, err := range []error{list[0].Err, err} {
			if tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), key) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestAnInterfaceIsReadAsItsFile(t *testing.T) {
	d := server(51820, "10.9.0.2/32")
	m := fake("homeward0", map[string]func() (*wgtypes.Device, error){"wg0": answers(d), "homeward0": answers(d)})
	conf, err := m.Conf(t.Context(), "wg0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := imports.Conf("wg0.conf", conf)
	if err != nil || s.Port != 51820 || s.PrivateKey.Public() != d.PublicKey || len(s.Devices) != 1 || s.Devices[0].PublicKey != d.Peers[0].PublicKey || s.Addresses[0] != netip.MustParsePrefix("10.9.0.1/24") {
		t.Errorf("%+v, %v", s, err)
	}
	if conf, err := m.Conf(t.Context(), "homeward0"); !errors.Is(err, ErrNone) || conf != nil {
		t.Errorf("homeward's own: %s, %v", conf, err)
	}
}

func TestANameThatAShellWouldRunIsNeitherToldNorRead(t *testing.T) {
	for _, name := range []string{"wg0;reboot", "$(id)", "-x", "a b", "wg\n0", "../wg0", "", "sixteen-letters1"} {
		m := fake("homeward0", map[string]func() (*wgtypes.Device, error){name: answers(server(51820, "10.9.0.2/32"))})
		if list, err := m.List(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%q: %+v, %v", name, list, err)
		}
		if conf, err := m.Conf(t.Context(), name); !errors.Is(err, ErrNone) || conf != nil {
			t.Errorf("%q: %s, %v", name, conf, err)
		}
	}
}

func TestNobodyWaitsForAProgramThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goes := make(chan struct{})
		var asked atomic.Int32
		m := fake("", map[string]func() (*wgtypes.Device, error){
			"hangs": func() (*wgtypes.Device, error) { asked.Add(1); <-goes; return server(1), nil },
			"works": answers(server(2)),
		})
		began := time.Now()
		for range 3 {
			list, err := m.List(t.Context())
			if err != nil || len(list) != 2 || !errors.Is(list[0].Err, ErrSilent) || list[1].Port != 2 {
				t.Errorf("%+v, %v", list, err)
			}
		}
		if took := time.Since(began); took != m.waits || asked.Load() != 1 {
			t.Errorf("it was asked %d times in %v", asked.Load(), took)
		}
		close(goes)
		synctest.Wait()
		if list, _ := m.List(t.Context()); list[0].Err != nil || list[0].Port != 1 {
			t.Errorf("once it goes on: %+v", list[0])
		}
	})
}

func TestWhoGoesAwayIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goes := make(chan struct{})
		m := fake("", map[string]func() (*wgtypes.Device, error){"hangs": func() (*wgtypes.Device, error) { <-goes; return server(1), nil }})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		if _, err := m.Conf(ctx, "hangs"); !errors.Is(err, ErrSilent) || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		close(goes)
	})
}
