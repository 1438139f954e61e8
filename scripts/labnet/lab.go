//go:build linux

package labnet

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Addresses of the lab. The public ones are none for documentation: miniupnpd
// takes those for private ones.
const (
	RouterWAN = "81.2.69.2"
	RouterLAN = "192.168.77.1"
	NAS4      = "192.168.77.10"
	Share4    = "192.168.77.20"
	Laptop4   = "192.168.77.30"
	Phone4    = "81.2.70.5"
	Share6    = "fd77::20"
	// ShareName is known to the router's DNS.
	ShareName = "share.home.lan"
)

// Lab is a home and the internet around it.
type Lab struct {
	t                                           testing.TB
	id, Dir                                     string
	Internet, Router, NAS, Share, Laptop, Phone *Host
}

//go:embed router.nft
var routerRules string

//go:embed watchdog.sh
var watchdog string

// New builds a lab that is gone when the test ends.
func New(t testing.TB) *Lab {
	t.Helper()
	if os.Getuid() != 0 || os.Getenv("HOMEWARD_TEST_UNIT") != "" {
		t.Skip("needs root for network namespaces: run scripts/test as root")
	}
	var random [3]byte
	rand.Read(random[:])
	l := &Lab{t: t, id: "hw" + hex.EncodeToString(random[:])}
	l.guard()
	for name, h := range map[string]**Host{"inet": &l.Internet, "router": &l.Router, "nas": &l.NAS, "share": &l.Share, "laptop": &l.Laptop, "phone": &l.Phone} {
		*h = l.host(name)
	}
	l.wire()
	l.startRouter()
	return l
}

// guard starts the watchdog before there is anything to remove.
func (l *Lab) guard() {
	dir, err := os.MkdirTemp("", l.id+"-")
	if err != nil {
		l.t.Fatal(err)
	}
	l.Dir = dir
	if err := os.Chmod(dir, 0o755); err != nil { // the unprivileged user passes through
		l.t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", watchdog, "watchdog", l.id, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C must not reach it
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		l.t.Fatalf("starting the lab's watchdog: %v", err)
	}
	l.t.Cleanup(func() {
		pipe.Close()
		if err := cmd.Wait(); err != nil {
			l.t.Errorf("removing the lab: %v", err)
		}
	})
}

func (l *Lab) host(name string) *Host {
	h := &Host{l.t, l.id + "-" + name}
	etc := filepath.Join("/etc/netns", h.Name)
	if err := os.MkdirAll(etc, 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(etc, "resolv.conf"), []byte("nameserver "+RouterLAN+"\n"), 0o644); err != nil {
		l.t.Fatal(err)
	}
	run(l.t, "ip", "netns", "add", h.Name)
	run(l.t, "ip", "-n", h.Name, "link", "set", "lo", "up")
	return h
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// veth joins two hosts by a cable.
func (l *Lab) veth(a *Host, aDev string, b *Host, bDev string) {
	l.t.Helper()
	run(l.t, "ip", "link", "add", aDev, "netns", a.Name, "type", "veth", "peer", "name", bDev, "netns", b.Name)
	run(l.t, "ip", "-n", a.Name, "link", "set", aDev, "up")
	run(l.t, "ip", "-n", b.Name, "link", "set", bDev, "up")
}

func (h *Host) address(dev string, addrs ...string) {
	h.t.Helper()
	for _, a := range addrs {
		run(h.t, "ip", "-n", h.Name, "addr", "add", a, "dev", dev, "nodad")
	}
}

func (h *Host) via(gateway string) {
	h.t.Helper()
	run(h.t, "ip", "-n", h.Name, "route", "add", "default", "via", gateway)
}

// wire lays the cables and gives out addresses.
func (l *Lab) wire() {
	l.veth(l.Internet, "home0", l.Router, "wan0")
	l.veth(l.Internet, "mobile0", l.Phone, "eth0")
	l.Internet.address("home0", "81.2.69.1/24")
	l.Internet.address("mobile0", "81.2.70.1/24")
	l.Phone.address("eth0", Phone4+"/24")
	l.Phone.via("81.2.70.1")
	l.Router.address("wan0", RouterWAN+"/24")
	l.Router.via("81.2.69.1")
	run(l.t, "ip", "-n", l.Router.Name, "link", "add", "lan0", "type", "bridge")
	run(l.t, "ip", "-n", l.Router.Name, "link", "set", "lan0", "up")
	l.Router.address("lan0", RouterLAN+"/24", "fd77::1/64")
	for i, m := range []struct {
		host *Host
		v4   string
	}{{l.NAS, NAS4}, {l.Share, Share4}, {l.Laptop, Laptop4}} {
		port := fmt.Sprintf("p%d", i)
		l.veth(l.Router, port, m.host, "eth0")
		run(l.t, "ip", "-n", l.Router.Name, "link", "set", port, "master", "lan0")
		m.host.address("eth0", m.v4+"/24", strings.Replace(m.v4, "192.168.77.", "fd77::", 1)+"/64")
		m.host.via(RouterLAN)
	}
	for _, h := range []*Host{l.Internet, l.Router} {
		h.Run("sysctl", "-qw", "net.ipv4.ip_forward=1")
	}
	l.NAS.Run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647") // as systemd sets it
}

// startRouter makes the router a home router: NAT, firewall, UPnP and DNS.
func (l *Lab) startRouter() {
	l.write("router.nft", routerRules)
	l.Router.Run("nft", "-f", filepath.Join(l.Dir, "router.nft"))
	l.write("miniupnpd.conf", strings.Join([]string{
		"ext_ifname=wan0", "listening_ip=lan0", "http_port=0", "enable_upnp=yes", "enable_natpmp=yes", "secure_mode=yes",
		"uuid=00000000-0000-4000-8000-000000000001", "lease_file=" + filepath.Join(l.Dir, "leases"),
		"upnp_table_name=filter", "upnp_nat_table_name=filter", "upnp_forward_chain=miniupnpd",
		"upnp_nat_chain=prerouting_miniupnpd", "upnp_nat_postrouting_chain=postrouting_miniupnpd",
		"allow 1024-65535 192.168.77.0/24 1024-65535", "deny 0-65535 0.0.0.0/0 0-65535", "",
	}, "\n"))
	l.start("miniupnpd", l.Router.Command(context.Background(), "miniupnpd", "-d", "-f", filepath.Join(l.Dir, "miniupnpd.conf"), "-P", filepath.Join(l.Dir, "miniupnpd.pid")))
	l.start("dnsmasq", l.Router.Command(context.Background(), "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--user=root",
		"--pid-file=", "--bind-interfaces", "--listen-address="+RouterLAN, "--host-record="+ShareName+","+Share4+","+Share6))
	for _, port := range []string{":1900", ":53"} {
		Eventually(l.t, 15*time.Second, "the router listens on UDP "+port, func() bool {
			out, err := l.Router.Try("ss", "-Hlun", "sport = "+port)
			return err == nil && strings.Contains(out, port)
		})
	}
}

func (l *Lab) write(name, text string) {
	l.t.Helper()
	if err := os.WriteFile(filepath.Join(l.Dir, name), []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// start starts a daemon of the lab; the watchdog ends it with its namespace.
func (l *Lab) start(name string, cmd *exec.Cmd) {
	l.t.Helper()
	log, err := os.Create(filepath.Join(l.Dir, name+".log"))
	if err != nil {
		l.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		l.t.Fatalf("starting %s: %v", name, err)
	}
	l.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
}

// Mappings is what an independent client, on the NAS, sees in the router's table.
func (l *Lab) Mappings() []string {
	l.t.Helper()
	out, _ := l.NAS.Try("upnpc", "-m", "eth0", "-l") // its exit code says only that a list ended
	if !strings.Contains(out, "ExternalIPAddress = "+RouterWAN) {
		l.t.Fatalf("upnpc sees no router:\n%s", out)
	}
	var list []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, " UDP ") || strings.Contains(line, " TCP ") {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list
}

// PhoneUp gives config, unchanged, to wg-quick on the phone, with an
// independent WireGuard program. It returns a function that takes it down.
func (l *Lab) PhoneUp(config []byte) (down func()) {
	l.t.Helper()
	bin := filepath.Join(l.Dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		l.t.Fatal(err)
	}
	// The phone's resolver takes what the tunnel says, and nothing else.
	shim := "#!/bin/sh\n[ \"$1\" = -a ] && cat >/etc/resolv.conf\nexit 0\n"
	if err := os.WriteFile(filepath.Join(bin, "resolvconf"), []byte(shim), 0o755); err != nil {
		l.t.Fatal(err)
	}
	file := filepath.Join(l.Dir, l.id+".conf") // the control socket's name is not namespaced
	if err := os.WriteFile(file, config, 0o600); err != nil {
		l.t.Fatal(err)
	}
	quick := func(verb string) (string, error) {
		cmd := l.Phone.Command(context.Background(), "wg-quick", verb, file)
		cmd.Env = append(os.Environ(), "WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go", "PATH="+bin+":"+os.Getenv("PATH"))
		log, err := os.Create(filepath.Join(l.Dir, "wg-quick-"+verb+".log"))
		if err != nil {
			return "", err
		}
		defer log.Close()
		cmd.Stdout, cmd.Stderr = log, log // a file: wireguard-go keeps it open
		err = cmd.Run()
		out, _ := os.ReadFile(log.Name())
		return string(out), err
	}
	if out, err := quick("up"); err != nil {
		l.t.Fatalf("wg-quick up: %v\n%s", err, out)
	}
	return func() { quick("down") }
}

// Serve answers on a TCP port of the host with what h writes, until the test ends.
func (h *Host) Serve(addr string, handle func(net.Conn)) {
	h.t.Helper()
	l, err := h.Listen(addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); handle(c) }()
		}
	}()
}

// Eventually waits for something that other processes do.
func Eventually(t testing.TB, limit time.Duration, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		if f() {
			return
		}
	}
	t.Fatalf("%s: not within %v", what, limit)
}
