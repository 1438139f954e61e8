//go:build linux

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// trial is a home with a phone outside, and what may be in its way.
type trial struct {
	t       *testing.T
	h       *homeward
	lab     *labnet.Lab
	config  string // of device 1
	removed string // of a device that was removed
	port    string // UDP
}

// obstacle is something in the phone's way, and what the test of device 1 says of it.
type obstacle struct {
	name        string
	put         func(*trial) // into the way
	config      func(*trial) string
	host        func(*trial) *labnet.Host // that has the code; nil: the phone outside
	do          func(*trial, *labnet.Host)
	stage, says string // where it stops and why; empty: all is good
	planes      string // on which it is tried; either does as well where only one is
}

var obstacles = []obstacle{
	{name: "nothing in the way", do: (*trial).useHome, planes: "tun netstack"},
	{name: "answers are cut off", put: func(r *trial) { r.drop("ip saddr " + labnet.NAS4 + " udp sport " + r.port) }, stage: "answer", says: "answer_lost", planes: "netstack"},
	{name: "names are cut off", put: func(r *trial) { r.drop("ip saddr " + labnet.NAS4 + " udp dport 53") }, do: (*trial).lookUp, stage: "names", says: "names_fail", planes: "tun netstack"},
	{name: "large packets are cut off", put: func(r *trial) {
		r.drop("udp sport "+r.port+" meta length > 1000", "udp dport "+r.port+" meta length > 1000")
	},
		do: (*trial).download, stage: "large", says: "only_small", planes: "tun netstack"},
	{name: "the code is for another server", config: (*trial).forAnotherServer, stage: "key", says: "wrong_server", planes: "netstack"},
	{name: "the device was removed", config: func(r *trial) string { return r.removed }, stage: "known", says: "code_removed", planes: "netstack"},
	{name: "the phone is at home", config: (*trial).withoutLAN, host: func(r *trial) *labnet.Host { return r.lab.Laptop }, stage: "outside", says: "from_inside", planes: "tun"},
	{name: "the router lets nothing in", put: func(r *trial) { r.drop("iifname wan0 udp dport " + r.port) }, stage: "reach", says: "nothing_came", planes: "netstack"},
	{name: "the mapping is gone", put: (*trial).loseMapping, stage: "reach", says: "port_shut", planes: "tun"}, // the last one: it is not put back
}

func TestTheFirstPhonesTestNamesWhatIsInTheWay(t *testing.T) {
	bin := build(t, t.TempDir())
	for plane, rootless := range map[string]bool{"tun": false, "netstack": true} {
		t.Run(plane, func(t *testing.T) {
			t.Parallel()
			r := newTrial(t, bin, rootless, plane == "tun") // where a phone is at home, too
			for _, o := range obstacles {
				if slices.Contains(strings.Fields(o.planes), plane) {
					t.Run(o.name, func(t *testing.T) { r.run(t, o) })
				}
			}
		})
	}
}

// loseMapping takes the mapping away together with the router's program, by which
// homeward would have it back within half a minute.
func (r *trial) loseMapping() {
	r.lab.StopIGD(syscall.SIGKILL)
	r.lab.FlushMappings()
}

func newTrial(t *testing.T, bin string, rootless, hairpin bool) *trial {
	t.Helper()
	lab := labnet.New(t)
	file := bytes.Repeat([]byte("a file of the house\n"), 10_000)
	lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			w.Write(file)
			return
		}
		io.WriteString(w, fileOfTheHouse)
	}))
	if hairpin {
		turnRound(lab)
	}
	r := &trial{t: t, lab: lab, h: startHomeward(t, lab, bin, rootless)}
	labnet.Eventually(t, 15*time.Second, "the router has told the address", func() bool {
		out, err := r.h.do("status")
		return err == nil && strings.Contains(out, "Devices call")
	})
	r.config, r.removed = r.add("Anna's phone"), r.add("Bert's phone")
	if out, err := r.h.do("peers", "remove", "Bert's phone"); err != nil {
		t.Fatal(out)
	}
	port := regexp.MustCompile(`Endpoint = \S+:(\d+)`).FindStringSubmatch(r.config)
	if port == nil {
		t.Fatalf("no port in %q", r.config)
	}
	r.port = port[1]
	r.checkHairpin(hairpin)
	return r
}

// add adds a device and returns its config.
func (r *trial) add(name string) string {
	r.t.Helper()
	if out, err := r.h.do("peers", "add", name); err != nil {
		r.t.Fatal(out)
	}
	config, err := r.h.do("peers", "config", name)
	if err != nil {
		r.t.Fatal(config)
	}
	return config
}

// run puts the obstacle into the way and asks for the test of device 1.
func (r *trial) run(t *testing.T, o obstacle) {
	host, config := r.lab.Phone, r.config
	if o.host != nil {
		host = o.host(r)
	}
	if o.config != nil {
		config = o.config(r)
	}
	if o.put != nil {
		o.put(r)
	}
	defer r.lab.Router.Try("nft", "flush", "chain", "inet", "trial", "way") // where there is none, there is nothing
	begun := time.Now()
	type outcome struct {
		out string
		err error
	}
	ended := make(chan outcome, 1)
	go func() {
		out, err := r.h.do("peers", "test", "1", "--for", "16s", "--json")
		ended <- outcome{out, err}
	}()
	down, err := r.lab.TryUp(context.Background(), host, []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	defer down()
	if o.do != nil {
		o.do(r, host)
	}
	got := <-ended
	took := time.Since(begun).Round(100 * time.Millisecond)
	var test struct {
		State, Stopped, Cause, Text, Cure string
		Steps                             []struct{ Stage, State string }
	}
	if err := json.NewDecoder(strings.NewReader(got.out)).Decode(&test); err != nil {
		t.Fatalf("%v: %v\n%s", err, got.err, got.out)
	}
	if test.Stopped != o.stage || test.Cause != o.says || (test.State == "passed") != (o.stage == "") || (got.err == nil) != (o.stage == "") {
		t.Errorf("after %v it says %s at %q: %q (%s), want %q: %q; %v", took, test.State, test.Stopped, test.Cause, test.Text, o.stage, o.says, got.err)
	}
	for _, s := range test.Steps {
		if o.stage == "" && s.State != "passed" {
			t.Errorf("nothing is in the way, and %s is %s", s.Stage, s.State)
		}
	}
	t.Logf("after %v: %s %s", took, test.Text, test.Cure)
}

// drop makes the router drop what passes it and fits a rule.
func (r *trial) drop(matches ...string) {
	r.t.Helper()
	r.nft("add table inet trial", "add chain inet trial way { type filter hook prerouting priority -300; }")
	for _, m := range matches {
		r.nft("add rule inet trial way " + m + " drop")
	}
}

// turnRound makes the router turn packets to its public address round, as many do.
func turnRound(lab *labnet.Lab) {
	// A switch that hands packets to the firewall, where the kernel has that, would
	// not send one back where it came from.
	lab.Router.Try("sysctl", "-w", "net.bridge.bridge-nf-call-iptables=0")
	lab.Router.Run("nft", `insert rule inet filter prerouting iifname "lan0" ip daddr `+labnet.RouterWAN+" udp dport 1024-65535 dnat ip to "+labnet.NAS4)
	lab.Router.Run("nft", `insert rule inet filter postrouting oifname "lan0" ip saddr `+labnet.LANPrefix4+" ip daddr "+labnet.NAS4+" meta l4proto udp masquerade")
}

// checkHairpin looks whether homeward has found out what the router does.
func (r *trial) checkHairpin(has bool) {
	r.t.Helper()
	says := map[bool]string{true: "lets devices at home reach", false: "doesn't let devices at home reach"}[has]
	labnet.Eventually(r.t, 15*time.Second, "doctor says that the router "+says+" its public address", func() bool {
		out, err := r.h.do("doctor")
		return err == nil && strings.Contains(out, says)
	})
}

func (r *trial) nft(commands ...string) {
	r.t.Helper()
	for _, c := range commands {
		r.lab.Router.Run("nft", c)
	}
}

func (r *trial) useHome(on *labnet.Host) {
	r.lookUp(on)
	r.download(on)
}

func (r *trial) lookUp(on *labnet.Host) { on.Try("dig", "+time=5", "+tries=1", labnet.ShareName, "A") }

func (r *trial) download(on *labnet.Host) {
	on.Try("curl", "-s", "-o", "/dev/null", "--max-time", "6", "http://"+labnet.Share4+"/large")
}

// forAnotherServer is the phone's config with another server's key.
func (r *trial) forAnotherServer() string {
	return regexp.MustCompile(`(?m)^PublicKey = .*$`).ReplaceAllString(r.config, "PublicKey = GpzyRCiFhwhMGp0ZjVGnLDaNuHwpeDDwm+PWI7NFoWg=")
}

// withoutLAN is the phone's config for a machine that is in the LAN itself, and
// that has no other route to it.
func (r *trial) withoutLAN() string {
	return regexp.MustCompile(`(?m)^AllowedIPs = ([^,\n]*).*$`).ReplaceAllString(r.config, "AllowedIPs = $1")
}
