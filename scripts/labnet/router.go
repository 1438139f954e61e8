//go:build linux

package labnet

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed router.nft
var routerRules string

// descriptionURL is where the router describes itself, unless [Options] move it.
const descriptionURL = "http://" + RouterLAN + ":5555/rootDesc.xml"

// startRouter makes the router a home router: NAT, firewall, UPnP and DNS.
func (l *Lab) startRouter() {
	l.t.Helper()
	l.Router.Run("nft", "-f", l.write("router.nft", routerRules))
	l.StartIGD()
	l.Router.Start(l.Router.Command(context.Background(), "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv",
		"--user=root", "--pid-file=", "--bind-interfaces", "--listen-address="+RouterLAN+",fd77::1", "--local=/home.lan/",
		"--host-record="+ShareName+","+Share4+","+Share6))
	l.Router.awaitUDP("53")
}

// StartIGD starts miniupnpd on the router and waits until it listens. It does
// nothing when the options leave nothing for it to speak, or it runs.
func (l *Lab) StartIGD() {
	l.t.Helper()
	if l.igd != nil || l.opts.NoUPnP && l.opts.NoNATPMP {
		return
	}
	config := l.write("miniupnpd.conf", l.igdConfig())
	pid := filepath.Join(l.Dir, "miniupnpd.pid")
	os.Remove(pid) // of one that was killed
	l.igd = l.Router.Start(l.Router.Command(context.Background(), "miniupnpd", "-d", "-f", config, "-P", pid))
	if !l.opts.NoUPnP {
		l.Router.awaitUDP("1900")
	}
	if !l.opts.NoNATPMP {
		l.Router.awaitUDP("5351")
	}
}

// StopIGD ends miniupnpd by a signal: after SIGTERM it says goodbye, after
// SIGKILL it does not. Its rules stay, until [Lab.FlushMappings].
func (l *Lab) StopIGD(s syscall.Signal) {
	l.t.Helper()
	if l.igd == nil {
		return
	}
	l.igd.Signal(s)
	select {
	case <-l.igd.Done():
	case <-time.After(10 * time.Second):
		l.t.Fatalf("miniupnpd does not end by %v", s)
	}
	l.igd = nil
}

// SignalIGD sends a signal that does not end miniupnpd: SIGUSR1 tells it of
// another public address.
func (l *Lab) SignalIGD(s syscall.Signal) {
	l.t.Helper()
	if l.igd == nil {
		l.t.Fatal("miniupnpd does not run")
	}
	l.igd.Signal(s)
}

// FlushMappings makes the router forget its rules, not its list, as a router
// does whose firewall was loaded anew.
func (l *Lab) FlushMappings() {
	l.t.Helper()
	for _, chain := range []string{"miniupnpd", "prerouting_miniupnpd", "postrouting_miniupnpd"} {
		l.Router.Run("nft", "flush", "chain", "inet", "filter", chain)
	}
}

// ForgetMappings makes the router forget its rules and what it wrote down of them,
// as one does that was switched off and on.
func (l *Lab) ForgetMappings() {
	l.t.Helper()
	l.FlushMappings()
	if err := os.Remove(l.leases()); err != nil && !os.IsNotExist(err) {
		l.t.Fatal(err)
	}
}

// leases is where miniupnpd remembers mappings over a restart.
func (l *Lab) leases() string { return filepath.Join(l.Dir, "leases") }

// igdConfig is the text of miniupnpd.conf.
func (l *Lab) igdConfig() string {
	yes := map[bool]string{true: "yes", false: "no"}
	allow := "allow 1024-65535 " + LANPrefix4 + " 1024-65535"
	if l.opts.PortsDeny {
		allow = "# allow nothing"
	}
	lines := []string{
		"ext_ifname=wan0", "ext_ifname6=wan0", "listening_ip=lan0", "http_port=5555",
		"enable_upnp=" + yes[!l.opts.NoUPnP], "enable_natpmp=" + yes[!l.opts.NoNATPMP], "force_igd_desc_v1=" + yes[l.opts.IGDv1],
		"secure_mode=" + yes[!l.opts.Insecure], "uuid=00000000-0000-4000-8000-000000000001", "lease_file=" + l.leases(),
		"upnp_table_name=filter", "upnp_nat_table_name=filter", "upnp_forward_chain=miniupnpd",
		"upnp_nat_chain=prerouting_miniupnpd", "upnp_nat_postrouting_chain=postrouting_miniupnpd",
	}
	lines = append(lines, l.opts.IGD...)
	lines = append(lines, allow, "deny 0-65535 0.0.0.0/0 0-65535")
	return strings.Join(lines, "\n") + "\n"
}

// awaitUDP waits until somebody listens on a port of the host.
func (h *Host) awaitUDP(port string) {
	h.t.Helper()
	Eventually(h.t, 15*time.Second, fmt.Sprintf("%s listens on UDP port %s", h.Name, port), func() bool {
		out, err := h.Try("ss", "-Hlun", "sport = :"+port)
		return err == nil && strings.Contains(out, ":"+port)
	})
}

// RouterRuleset is the router's whole firewall, as nft prints it.
func (l *Lab) RouterRuleset() string {
	l.t.Helper()
	return l.Router.Run("nft", "list", "ruleset")
}

// Mappings is what an independent client, on the NAS, sees in the router's
// table; of a router without UPnP, the rules that forward a port.
func (l *Lab) Mappings() []string {
	l.t.Helper()
	if l.opts.NoUPnP {
		return linesWith(l.RouterRuleset(), "dnat")
	}
	const head = "exPort->inAddr:inPort"
	out, _ := l.NAS.Try("upnpc", "-u", descriptionURL, "-l") // its exit code says only that a list ended
	if !strings.Contains(out, head) {                        // the router described itself elsewhere
		out, _ = l.NAS.Try("upnpc", "-m", "eth0", "-l")
	}
	if !strings.Contains(out, head) {
		l.t.Fatalf("upnpc sees no router:\n%s", out)
	}
	return linesWith(out, "->192.168.77.")
}

// linesWith are the lines of a text that have part in them.
func linesWith(text, part string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list
}
