//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/scripts/labnet"
)

const mtu = "1412" // homeward's, for all

// programs are paths.
type programs struct{ homeward, reference, naive string }

// build compiles what is measured.
func build(t labnet.T, profiles bool) (programs, error) {
	dir := labnet.Bare(t).Dir
	p := programs{filepath.Join(dir, "homeward"), filepath.Join(dir, "reference"), filepath.Join(dir, "naive")}
	tags := "-tags="
	if profiles {
		tags = "-tags=profile"
	}
	for out, pkg := range map[string]string{p.homeward: "./cmd/homeward", p.reference: "./scripts/labnet/reference", p.naive: "./scripts/labnet/naive"} {
		cmd := exec.Command("go", "build", tags, "-trimpath", "-ldflags=-s -w", "-o", out, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is released
		if said, err := cmd.CombinedOutput(); err != nil {
			return p, fmt.Errorf("building %s: %w\n%s", pkg, err, said)
		}
	}
	return p, nil
}

// world is client ── box ── host at home.
type world struct {
	*labnet.Builder
	t        labnet.T
	s        *settings
	programs programs

	client, box, home *labnet.Host
	outside, target   string // addresses of the box for the client, and of the host at home
}

func newWorld(t labnet.T, s *settings, p programs, ipv6 bool) *world {
	labnet.NeedPrograms(t, "iperf3:iperf3", "nft:nftables")
	w := &world{Builder: labnet.Bare(t), t: t, s: s, programs: p, outside: "10.30.0.1", target: "10.20.0.2"}
	if ipv6 {
		w.outside, w.target = "fd30::1", "fd20::2"
	}
	w.client, w.box, w.home = w.NewHost("client"), w.NewHost("box"), w.NewHost("home")
	w.Veth(w.client, "eth0", []string{"10.30.0.2/24", "fd30::2/64"}, w.box, "wan0", []string{"10.30.0.1/24", "fd30::1/64"})
	w.Veth(w.box, "lan0", []string{"10.20.0.1/24", "fd20::1/64"}, w.home, "eth0", []string{"10.20.0.2/24", "fd20::2/64"})
	w.box.Run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
	w.home.Start(w.home.Command(context.Background(), "iperf3", "-s"))
	w.serveEchoes()
	return w
}

// routed makes the box forward and masquerade towards home, as one does for a
// VPN server by hand.
func (w *world) routed() {
	w.box.Sysctl("net.ipv4.ip_forward", "1")
	w.box.Sysctl("net.ipv6.conf.all.forwarding", "1")
	w.box.Run("nft", `add table inet nat; add chain inet nat post { type nat hook postrouting priority srcnat; }; add rule inet nat post oifname "lan0" masquerade`)
}

// joinClient gives the client a tunnel to the box.
func (w *world) joinClient(private, server wgtypes.Key, psk *wgtypes.Key, port int, addresses []string) {
	text := fmt.Sprintf("private_key=%x\npublic_key=%x\n", private[:], server[:])
	if psk != nil {
		text += fmt.Sprintf("preshared_key=%x\n", psk[:])
	}
	text += fmt.Sprintf("endpoint=%s\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n\n", net.JoinHostPort(w.outside, strconv.Itoa(port)))
	w.startReference(w.client, "wg"+w.ID, text, addresses)
	for _, to := range []string{"10.20.0.0/24", "fd20::/64"} {
		w.client.Run("ip", "route", "add", to, "dev", "wg"+w.ID)
	}
	// The first packet makes the handshake.
	labnet.Eventually(w.t, 15*time.Second, "the host at home answers through the tunnel", func() bool {
		_, err := w.client.Try("ping", "-c1", "-W1", w.target)
		return err == nil
	})
}

// startReference starts the reference program on a host and gives its device
// addresses with prefix lengths.
func (w *world) startReference(h *labnet.Host, dev, text string, addresses []string) *labnet.Process {
	p := w.startReady(h, text, w.programs.reference, dev, mtu)
	h.Address(dev, addresses...)
	h.Run("ip", "link", "set", dev, "up")
	return p
}

// startReady starts a program that reads its device's control text and says
// when it is ready.
func (w *world) startReady(h *labnet.Host, text, program string, args ...string) *labnet.Process {
	cmd := h.Command(context.Background(), program, args...)
	cmd.Stdin = strings.NewReader(text)
	p := h.Start(cmd)
	labnet.Eventually(w.t, 5*time.Second, program+" runs", func() bool { return strings.Contains(p.Output(), "ready") })
	return p
}
