//go:build linux

package labnet

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
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
	*Builder
	Internet, Router, NAS, Share, Laptop, Phone *Host
}

//go:embed router.nft
var routerRules string

// New builds a lab that is gone when the test ends.
func New(t T) *Lab {
	t.Helper()
	l := &Lab{Builder: Bare(t)}
	for name, h := range map[string]**Host{"inet": &l.Internet, "router": &l.Router, "nas": &l.NAS, "share": &l.Share, "laptop": &l.Laptop, "phone": &l.Phone} {
		*h = l.NewHost(name)
		(*h).SetResolver(RouterLAN)
	}
	l.wire()
	l.startRouter()
	return l
}

// wire lays the cables and gives out addresses.
func (l *Lab) wire() {
	l.Veth(l.Internet, "home0", []string{"81.2.69.1/24"}, l.Router, "wan0", []string{RouterWAN + "/24"})
	l.Veth(l.Internet, "mobile0", []string{"81.2.70.1/24"}, l.Phone, "eth0", []string{Phone4 + "/24"})
	l.Phone.AddRoute("default", "81.2.70.1")
	l.Router.AddRoute("default", "81.2.69.1")
	var ports []string
	for i, m := range []struct {
		host *Host
		v4   string
	}{{l.NAS, NAS4}, {l.Share, Share4}, {l.Laptop, Laptop4}} {
		port := fmt.Sprintf("p%d", i)
		l.Veth(l.Router, port, nil, m.host, "eth0", []string{m.v4 + "/24", strings.Replace(m.v4, "192.168.77.", "fd77::", 1) + "/64"})
		m.host.AddRoute("default", RouterLAN)
		ports = append(ports, port)
	}
	l.Bridge(l.Router, "lan0", []string{RouterLAN + "/24", "fd77::1/64"}, ports...)
	for _, h := range []*Host{l.Internet, l.Router} {
		h.Sysctl("net.ipv4.ip_forward", "1")
	}
	l.NAS.Sysctl("net.ipv4.ping_group_range", "0 2147483647") // as systemd sets it
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
	l.Router.Start(l.Router.Command(context.Background(), "miniupnpd", "-d", "-f", filepath.Join(l.Dir, "miniupnpd.conf"), "-P", filepath.Join(l.Dir, "miniupnpd.pid")))
	l.Router.Start(l.Router.Command(context.Background(), "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--user=root",
		"--pid-file=", "--bind-interfaces", "--listen-address="+RouterLAN, "--host-record="+ShareName+","+Share4+","+Share6))
	for _, port := range []string{":1900", ":53"} {
		Eventually(l.t, 15*time.Second, "the router listens on UDP "+port, func() bool {
			out, err := l.Router.Try("ss", "-Hlun", "sport = "+port)
			return err == nil && strings.Contains(out, port)
		})
	}
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
	file := filepath.Join(l.Dir, l.ID+".conf") // the control socket's name is not namespaced
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
	l, err := h.Listen("tcp", addr)
	if err != nil {
		h.t.Fatal(err)
	}
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
