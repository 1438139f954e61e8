//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/scripts/labnet"
)

var allServers = []string{"kernel", "R", "tun", "netstack"}

const port = 51820

// server is what stands between the client and home.
type server struct {
	process  *labnet.Process // nil: the kernel alone
	profiled string          // where it writes profiles: the path without the ending; or empty
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
	default:
		s.process = w.startHomeward(name, s)
	}
	return s
}

func (w *world) startR() *labnet.Process {
	own, client := newKey(w.t), newKey(w.t)
	public := client.PublicKey()
	text := fmt.Sprintf("private_key=%x\nlisten_port=%d\npublic_key=%x\nallowed_ip=10.66.0.2/32\nallowed_ip=fd66::2/128\n\n", own[:], port, public[:])
	p := w.startReference(w.box, "wgr"+w.ID, text, []string{"10.66.0.1/24", "fd66::1/64"})
	w.joinClient(client, own.PublicKey(), nil, port, []string{"10.66.0.2/32", "fd66::2/128"})
	return p
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
	flags := []string{"--state", filepath.Join(dir, "state"), "--config", os.DevNull}
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

// rest measures the memory of the server at rest.
func (s *server) rest(r *row) error {
	if s.process == nil {
		return nil
	}
	time.Sleep(settle)
	kib, err := memory(s.process.PID(), "VmRSS")
	r.add("idle MiB", kib/1024)
	return err
}

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

// finish measures what is known at the end of the round.
func (s *server) finish(r *row) error {
	if s.process == nil {
		return nil
	}
	kib, err := memory(s.process.PID(), "VmHWM")
	r.add("peak MiB", kib/1024)
	return err
}
