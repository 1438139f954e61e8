//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/state"
	"homeward/scripts/labnet"
)

var allServers = []string{"kernel", "R", "naive", "tun", "netstack"}

func isHomeward(server string) bool { return server == "tun" || server == "netstack" }

const port = 51820

// server is what stands between the client and home.
type server struct {
	process  *labnet.Process // nil: the kernel alone
	socket   string          // homeward's, of its programs' interface; or empty
	profiled string          // where it writes profiles: the path without the ending; or empty
	peak     float64         // MiB, of the loads so far
}

func (w *world) startServer(name string) *server {
	s := &server{}
	switch name {
	case "kernel":
		w.routed()
		w.client.AddRoute("10.20.0.0/24", "10.30.0.1")
		w.client.AddRoute("fd20::/64", "fd30::1")
	case "R":
		w.routed()
		s.process = w.startR()
	case "naive":
		s.process = w.startNaive()
	default:
		plane, other, beside := strings.Cut(name, "@")
		if beside {
			w.programs.homeward = w.s.beside[other]
		}
		s.process = w.startHomeward(plane, s)
	}
	return s
}

func (w *world) startR() *labnet.Process {
	own, client := newKey(w.t), newKey(w.t)
	p := w.startReference(w.box, "wgr"+w.ID, forOnePeer(own, client), []string{"10.66.0.1/24", "fd66::1/64"})
	w.joinClient(client, own.PublicKey(), nil, port, onePeer)
	return p
}

func (w *world) startNaive() *labnet.Process {
	own, client := newKey(w.t), newKey(w.t)
	p := w.startReady(w.box, forOnePeer(own, client), w.programs.naive, mtu, w.target, iperfPort, echoPort)
	w.joinClient(client, own.PublicKey(), nil, port, onePeer)
	return p
}

// onePeer has the addresses of the only peer of R and of the naive server.
var onePeer = []string{"10.66.0.2/32", "fd66::2/128"}

// forOnePeer is the control text of such a server.
func forOnePeer(own, peer wgtypes.Key) string {
	public := peer.PublicKey()
	return fmt.Sprintf("private_key=%x\nlisten_port=%d\npublic_key=%x\nallowed_ip=%s\nallowed_ip=%s\n\n", own[:], port, public[:], onePeer[0], onePeer[1])
}

func newKey(t labnet.T) wgtypes.Key {
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// startHomeward starts the whole appliance with five devices, the first of
// which is the client.
func (w *world) startHomeward(plane string, s *server) *labnet.Process {
	dir := filepath.Join(w.Dir, "home")
	kept := filepath.Join(dir, "state")
	w.giveRoom(kept)
	s.socket = filepath.Join(kept, "homeward.sock")
	flags := []string{"--state", kept, "--config", os.DevNull}
	cmd := w.box.CommandAs(context.Background(), plane == "netstack", dir, w.programs.homeward, append([]string{"serve", "--plane", plane,
		"--map-port=false", "--endpoint", "box.test", "--port", strconv.Itoa(port)}, flags...)...)
	if w.s.profiles != "" {
		s.profiled = filepath.Join(dir, "profile")
		cmd.Env = append(cmd.Env, "HOMEWARD_PROFILE="+s.profiled)
	}
	p := w.box.Start(cmd)
	for i := range 5 {
		labnet.Eventually(w.t, 15*time.Second, "homeward takes a device", func() bool {
			_, err := w.box.Try(w.programs.homeward, append([]string{"peers", "add", fmt.Sprintf("device %d", i+1)}, flags...)...)
			return err == nil
		})
	}
	c := parseConfig(w.box.Run(w.programs.homeward, append([]string{"peers", "config", "1"}, flags...)...))
	psk := c.key(w.t, "PresharedKey")
	w.joinClient(c.key(w.t, "PrivateKey"), c.key(w.t, "PublicKey"), &psk, port, strings.Split(strings.ReplaceAll(c["Address"], " ", ""), ","))
	return p
}

// giveRoom makes a homeward that has not run yet with a network for more devices
// than the usual 253.
func (w *world) giveRoom(dir string) {
	ctx := context.Background()
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		w.t.Fatal(err)
	}
	st, err := state.Open(ctx, dir, slog.New(slog.DiscardHandler))
	if err == nil {
		_, err = st.EnsureIdentity(ctx, func() (state.Plan, error) {
			return state.Plan{V4: netip.MustParsePrefix("10.206.0.0/16"), V6: netip.MustParsePrefix("fd20:6::/64")}, nil
		})
		err = errors.Join(err, st.Close())
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// config is what a device's file says.
type config map[string]string

func parseConfig(text string) config {
	c := config{}
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, "="); ok {
			c[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return c
}

func (c config) key(t labnet.T, name string) wgtypes.Key {
	k, err := wgtypes.ParseKey(c[name])
	if err != nil {
		t.Fatalf("the device's file has no %s: %v", name, err)
	}
	return k
}

// settle is how long a server rests before its idle memory counts.
const settle = 12 * time.Second // longer than it takes to give back what only starting needs

// profile starts a CPU profile, and returns what ends it and keeps it in dir.
func (s *server) profile(dir, name string) func() error {
	if s.profiled == "" {
		return func() error { return nil }
	}
	s.process.Signal(syscall.SIGUSR1)
	return func() error {
		s.process.Signal(syscall.SIGUSR2)
		time.Sleep(500 * time.Millisecond) // it writes both
		for _, kind := range []string{".cpu", ".heap"} {
			b, err := os.ReadFile(s.profiled + kind)
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+kind), b, 0o644)
			}
			if err != nil {
				return fmt.Errorf("keeping the profile: %w", err)
			}
		}
		return nil
	}
}

// finish notes the greatest memory of all loads.
func (s *server) finish(r *row) {
	if s.peak > 0 {
		r.add("peak MiB", s.peak)
	}
}

// mib reads a field of the server's memory.
func (s *server) mib(field string) (float64, error) {
	kib, err := memory(s.process.PID(), field)
	return kib / 1024, err
}

// cpuTime is what the server has used so far; the kernel's is not known.
func (s *server) cpuTime() (time.Duration, error) {
	if s.process == nil {
		return 0, nil
	}
	return cpuTime(s.process.PID())
}

// peakOf measures the greatest memory of one load.
func (s *server) peakOf(r *row, name string, load func() error) error {
	if s.process == nil {
		return load()
	}
	if err := forgetPeak(s.process.PID()); err != nil {
		return err
	}
	if err := load(); err != nil {
		return err
	}
	mib, err := s.mib("VmHWM")
	r.add(name+" peak MiB", mib)
	s.peak = max(s.peak, mib)
	return err
}
