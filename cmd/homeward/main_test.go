package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"homeward/cmd/homeward/internal/dnsname"
	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

// homeward runs one command line on the state directory dir.
func homeward(ctx context.Context, dir string, args ...string) (code int, out, errs string) {
	var o, e output
	code = homewardOn(ctx, dir, &o, &e, args...)
	return code, o.String(), e.String()
}

// output can be read while it is written.
type output struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// await waits until part has been written.
func (o *output) await(t *testing.T, part string) {
	t.Helper()
	for deadline := time.Now().Add(testPatience); !strings.Contains(o.String(), part); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q is not printed, but %q", part, o.String())
		}
	}
}

func homewardOn(ctx context.Context, dir string, o, e io.Writer, args ...string) int {
	return homewardAt(ctx, dir, nil, o, e, args...)
}

// homewardAt is homewardOn with another clock than the system's; nil means that one.
func homewardAt(ctx context.Context, dir string, wall func() time.Time, o, e io.Writer, args ...string) int {
	env := func(k string) (string, bool) {
		if v, ok := map[string]string{"HOME": dir, "HOMEWARD_STATE": filepath.Join(dir, "state")}[k]; ok {
			return v, true
		}
		if k == "NOTIFY_SOCKET" || k == "WATCHDOG_USEC" { // set by the test that is a service manager
			return os.LookupEnv(k)
		}
		return "", false
	}
	return run(ctx, append(args, "--config", operatorsFile(dir)), terminal{in: strings.NewReader(""), out: o, err: e, env: env, wall: wall})
}

// newDir is a home with the operator's file in it.
func newDir(t *testing.T, file string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(operatorsFile(dir), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func operatorsFile(dir string) string { return filepath.Join(dir, "homeward.toml") }

func TestExitCodesTellUsageFromFailure(t *testing.T) {
	dir := newDir(t, "")
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"version", []string{"version"}, exitOK, ""},
		{"help", []string{"--help"}, exitOK, ""},
		{"unknown flag", []string{"status", "--bogus"}, exitUsage, "--bogus"},
		{"unknown command", []string{"bogus"}, exitUsage, "bogus"},
		{"mistyped command", []string{"peers", "lst"}, exitUsage, `did you mean "list"?`},
		{"bad setting", []string{"status", "--port", "x"}, exitUsage, `flag --port: port "x"`},
		{"missing name", []string{"peers", "add"}, exitUsage, "the device's name"},
		{"nobody runs", []string{"peers", "list"}, exitNotRunning, "homeward serve"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, errs := homeward(t.Context(), dir, c.args...)
			if code != c.code || !strings.Contains(errs, c.says) {
				t.Errorf("exit code %d, want %d; said %q", code, c.code, errs)
			}
		})
	}
}

func TestUnknownKeysInTheFileAreNamed(t *testing.T) {
	dir := newDir(t, "prot = 5\n")
	code, _, errs := homeward(t.Context(), dir, "serve")
	if code != exitUsage || !strings.Contains(errs, `there is no key "prot": did you mean "port"?`) {
		t.Errorf("exit code %d, said %q", code, errs)
	}
}

// freePort is a TCP port of loopback on which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// start runs serve rootless, without a router and with its page on loopback,
// until the test ends.
func start(t *testing.T, dir string, args ...string) (stop func() (code int, errs string), out *output) {
	t.Helper()
	return startAt(t, dir, nil, args...)
}

// startAt is start with another clock than the system's; nil means that one.
func startAt(t *testing.T, dir string, wall func() time.Time, args ...string) (stop func() (code int, errs string), out *output) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	type result struct {
		code int
		errs string
	}
	out = &output{}
	done := make(chan result, 1)
	go func() {
		var errs output
		code := homewardAt(ctx, dir, wall, out, &errs, append([]string{"serve", "--plane", "netstack", "--map-port=false", "--endpoint", "home.example.org",
			"--bind", "127.0.0.1", "--admin-port", freePort(t)}, args...)...)
		done <- result{code, errs.String()}
	}()
	client := api.NewClient(filepath.Join(dir, "state", socketFile))
	for deadline := time.Now().Add(testPatience); ; {
		if _, err := client.Status(t.Context()); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("serve does not answer: %v", err)
		}
		select {
		case r := <-done:
			t.Fatalf("serve ended: %d %s", r.code, r.errs)
		case <-time.After(20 * time.Millisecond):
		}
	}
	stopped := false
	stop = func() (int, string) {
		stopped = true
		cancel()
		r := <-done
		return r.code, r.errs
	}
	t.Cleanup(func() {
		if !stopped {
			stop()
		}
	})
	return stop, out
}

func TestADeviceIsAddedShownDisabledAndRemovedByCommands(t *testing.T) {
	dir := newDir(t, "")
	stop, _ := start(t, dir)
	do := func(wantCode int, says string, args ...string) string {
		t.Helper()
		code, out, errs := homeward(t.Context(), dir, args...)
		if code != wantCode || !strings.Contains(out+errs, says) {
			t.Errorf("%q: exit code %d, want %d; said %q %q, want %q in it", args, code, wantCode, out, errs, says)
		}
		return out
	}
	if out := do(exitOK, "may come in now", "peers", "add", "Anna's phone"); !strings.Contains(out, "▀") {
		t.Error("no code was drawn")
	}
	config := do(exitOK, "[Interface]", "peers", "config", "anna's phone")
	if !strings.Contains(config, "Endpoint = home.example.org:") {
		t.Errorf("config = %q", config)
	}
	do(exitOK, "Anna's phone", "peers", "list")
	do(exitFailed, "name", "peers", "add", "ANNA'S PHONE")
	do(exitFailed, "no device", "peers", "show", "bert")
	do(exitOK, "internet", "peers", "access", "1", "internet")
	do(exitFailed, "is no grant", "peers", "access", "1", "all")
	do(exitOK, "may come in now", "peers", "rotate", "1")
	if again := do(exitOK, "[Interface]", "peers", "config", "1"); again == config {
		t.Error("the new code is the old one")
	}
	do(exitOK, "disabled", "peers", "disable", "1")
	do(exitOK, "active", "peers", "enable", "1")
	do(exitOK, `"key": "device"`, "status", "--json")
	do(exitOK, "is out", "peers", "remove", "1")
	do(exitOK, "No devices yet", "peers", "list")
	begun := time.Now()
	if code, errs := stop(); code != exitOK {
		t.Errorf("serve ended with %d: %s", code, errs)
	}
	limit := 2 * time.Second
	if raceDetector {
		limit *= 5
	}
	if took := time.Since(begun); took > limit {
		t.Errorf("stopping took %v, want at most %v", took, limit)
	}
}

func TestDevicesSurviveARestart(t *testing.T) {
	dir := newDir(t, "")
	stop, _ := start(t, dir)
	if code, _, errs := homeward(t.Context(), dir, "peers", "add", "anna"); code != exitOK {
		t.Fatal(errs)
	}
	stop()
	start(t, dir)
	for deadline := time.Now().Add(testPatience); ; time.Sleep(20 * time.Millisecond) { // the tunnel takes it in a moment
		_, out, _ := homeward(t.Context(), dir, "peers", "list")
		if strings.Contains(out, "anna") && strings.Contains(out, "active") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("list after the restart = %q", out)
		}
	}
}

func TestASecondServeOnTheSameStateIsRefused(t *testing.T) {
	dir := newDir(t, "")
	start(t, dir)
	code, _, errs := homeward(t.Context(), dir, "serve", "--map-port=false", "--plane", "netstack", "--bind", "127.0.0.1")
	if code != exitFailed || !strings.Contains(errs, filepath.Join(dir, "state")) || !strings.Contains(errs, "--state") {
		t.Errorf("exit code %d, said %q", code, errs)
	}
}

func TestTheSetupLinkIsPrintedUntilThePasswordIsSet(t *testing.T) {
	dir := newDir(t, "")
	stop, out := start(t, dir)
	out.await(t, "/setup?token=")
	code, link, errs := homeward(t.Context(), dir, "admin", "setup-link")
	if code != exitOK || !strings.Contains(link, "https://127.0.0.1:") || !strings.Contains(link, "/setup?token=") || !strings.Contains(link, "█") {
		t.Errorf("exit code %d, printed %q %q", code, link, errs)
	}
	if !regexp.MustCompile(`(?m)^  ([0-9A-F]{2}:){31}[0-9A-F]{2}$`).MatchString(link) {
		t.Errorf("no fingerprint: %q", link)
	}
	if !regexp.MustCompile(`(?m)^  [a-z-]+( [a-z-]+){5}$`).MatchString(link) {
		t.Errorf("no words for it: %q", link)
	}
	setPassword := func(p string) (int, string) {
		var out bytes.Buffer
		tty := terminal{in: strings.NewReader(p), out: &out, err: &out, env: func(k string) (string, bool) { return filepath.Join(dir, "state"), k == "HOMEWARD_STATE" }}
		return run(t.Context(), []string{"admin", "password", "--config", operatorsFile(dir)}, tty), out.String()
	}
	for typed, want := range map[string]int{"": exitUsage, "short\n": exitFailed, "correct horse battery\n": exitOK} {
		if code, says := setPassword(typed); code != want || strings.Contains(says, "horse") {
			t.Errorf("password %q: exit code %d, want %d; said %q", typed, code, want, says)
		}
	}
	if code, _, errs := homeward(t.Context(), dir, "admin", "setup-link"); code != exitFailed || !strings.Contains(errs, "homeward admin password") {
		t.Errorf("a link for a claimed page: exit code %d, said %q", code, errs)
	}
	stop()
	_, out = start(t, dir)
	out.await(t, "Admin page: https://127.0.0.1:")
	if strings.Contains(out.String(), "token=") {
		t.Errorf("a claimed page prints a link: %q", out)
	}
}

func TestATakenPortOfThePageIsNamed(t *testing.T) {
	dir := newDir(t, "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	code, _, errs := homeward(t.Context(), dir, "serve", "--map-port=false", "--plane", "netstack", "--bind", "127.0.0.1", "--admin-port", port)
	if code != exitFailed || !strings.Contains(errs, "TCP port "+port) || !strings.Contains(errs, "--admin-port") {
		t.Errorf("exit code %d, said %q", code, errs)
	}
}

func TestTheCertificateIsKept(t *testing.T) {
	dir := newDir(t, "")
	fingerprint := func() string {
		stop, _ := start(t, dir)
		defer stop()
		_, out, _ := homeward(t.Context(), dir, "admin", "setup-link", "--json")
		var l api.SetupLink
		if err := json.Unmarshal([]byte(out), &l); err != nil || l.Fingerprint == "" {
			t.Fatalf("%q: %v", out, err)
		}
		return l.Fingerprint
	}
	first := fingerprint()
	if again := fingerprint(); again != first {
		t.Errorf("after a restart %s, before %s", again, first)
	}
	if err := os.WriteFile(filepath.Join(dir, "state", certFile), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if anew := fingerprint(); anew == first {
		t.Error("a damaged one is still used")
	}
}

func TestGreenIsSaidOnlyOfWhatWasSeen(t *testing.T) {
	now := time.Now()
	wan := netip.MustParseAddr("81.2.69.2")
	mapped := upnp.Status{Verdict: upnp.Mapped, Port: 5, WAN: wan, External: wan, Mapping: &upnp.Mapping{External: netip.AddrPortFrom(wan, 5), VerifiedAt: now}}
	granted := mapped
	granted.Mapping = &upnp.Mapping{External: netip.AddrPortFrom(wan, 5)}
	byHand := upnp.Status{Verdict: upnp.ByHand, Port: 5, WAN: wan, External: wan}
	moved := mapped
	moved.PlaceSince = now.Add(-time.Minute)
	peer := func(from string, ago time.Duration) []peers.Peer {
		return []peers.Peer{{Name: "anna", Observed: peers.Observed{Endpoint: netip.MustParseAddrPort(from), LastHandshake: now.Add(-ago)}}}
	}
	knocked := func(from string, ago time.Duration) []tunnel.HeardKnock {
		return []tunnel.HeardKnock{{At: now.Add(-ago), From: netip.MustParseAddrPort(from), Port: 5}}
	}
	for _, c := range []struct {
		name          string
		router        upnp.Status
		peers         []peers.Peer
		port, outside api.JointState
		knocks        []tunnel.HeardKnock
	}{
		{"read back, nobody came", mapped, nil, api.JointWorking, api.JointUnknown, nil},
		{"granted, nobody came", granted, nil, api.JointUnknown, api.JointUnknown, nil},
		{"granted, from outside", granted, peer("198.51.100.7:9", time.Hour), api.JointWorking, api.JointWorking, nil},
		{"from outside", mapped, peer("198.51.100.7:9", time.Hour), api.JointWorking, api.JointWorking, nil},
		{"from outside by IPv6", mapped, peer("[2001:db8::7]:9", time.Hour), api.JointWorking, api.JointWorking, nil},
		{"from the LAN", mapped, peer("192.168.1.5:9", time.Hour), api.JointWorking, api.JointUnknown, nil},
		{"from the LAN by IPv6", mapped, peer("[2a02:810:1:2::7]:9", time.Hour), api.JointWorking, api.JointUnknown, nil},
		{"from our own public address", mapped, peer("81.2.69.2:9", time.Hour), api.JointWorking, api.JointUnknown, nil},
		{"long ago", mapped, peer("198.51.100.7:9", 8*24*time.Hour), api.JointWorking, api.JointUnknown, nil},
		{"before home moved", moved, peer("198.51.100.7:9", time.Hour), api.JointWorking, api.JointUnknown, nil},
		{"not mapped", upnp.Status{Verdict: upnp.NoIGD}, nil, api.JointFailed, api.JointUnknown, nil},
		{"not mapped, from outside", upnp.Status{Verdict: upnp.NoIGD}, peer("198.51.100.7:9", time.Hour), api.JointWorking, api.JointWorking, nil},
		{"switched off", upnp.Off(5), nil, api.JointAttention, api.JointUnknown, nil},
		{"by hand, nobody came", byHand, nil, api.JointUnknown, api.JointUnknown, nil},
		{"by hand, from outside", byHand, peer("198.51.100.7:9", time.Hour), api.JointWorking, api.JointWorking, nil},
		{"by hand, a browser knocked", byHand, nil, api.JointWorking, api.JointWorking, knocked("198.51.100.7:9", time.Hour)},
		{"a browser knocked from outside", mapped, nil, api.JointWorking, api.JointWorking, knocked("198.51.100.7:9", time.Hour)},
		{"a browser knocked, router off", upnp.Off(5), nil, api.JointWorking, api.JointWorking, knocked("[2001:db8::7]:9", time.Hour)},
		{"a browser knocked at home", mapped, nil, api.JointWorking, api.JointUnknown, knocked("[2a02:810:1:2::7]:9", time.Hour)},
		{"a browser knocked long ago", mapped, nil, api.JointWorking, api.JointUnknown, knocked("198.51.100.7:9", 8*24*time.Hour)},
		{"a browser knocked before home moved", moved, nil, api.JointWorking, api.JointUnknown, knocked("198.51.100.7:9", time.Hour)},
	} {
		got := map[string]api.Joint{}
		for _, j := range wayHome(tunnel.Status{Up: true, ListenPort: 5}, c.router, dnsname.Status{}, endpointFor(nil, dnsname.Status{}, c.router), c.peers, knockProofs(c.knocks), []netip.Prefix{netip.MustParsePrefix("2a02:810:1:2::/64")}, now) {
			got[j.Key] = j
			if j.Summary == "" {
				t.Errorf("%s: %s says nothing", c.name, j.Key)
			}
		}
		if got["port"].State != c.port || got["outside"].State != c.outside {
			t.Errorf("%s: port %s, want %s; outside %s, want %s", c.name, got["port"].State, c.port, got["outside"].State, c.outside)
		}
	}
}

func TestTheOperatorsEndpointWinsAndAWrongOneIsNone(t *testing.T) {
	wan := netip.MustParseAddrPort("81.2.69.2:5")
	own, err := peers.ParseEndpoint("home.example.org:7", 5)
	if err != nil {
		t.Fatal(err)
	}
	mapped := upnp.Status{Verdict: upnp.Mapped, Mapping: &upnp.Mapping{External: wan}}
	if e := endpointFor(&own, dnsname.Status{Ready: true, Settings: dnsname.Settings{Name: "other.example.org"}}, mapped); e == nil || e.String() != "home.example.org:7" {
		t.Errorf("endpoint = %v", e)
	}
	if e := endpointFor(nil, dnsname.Status{}, mapped); e == nil || e.String() != wan.String() {
		t.Errorf("endpoint = %v", e)
	}
	private := upnp.Status{Verdict: upnp.PrivateWAN, Mapping: &upnp.Mapping{External: netip.AddrPortFrom(netip.Addr{}, 5)}}
	if e := endpointFor(nil, dnsname.Status{}, private); e != nil {
		t.Errorf("endpoint = %v, want none", e)
	}
	six := upnp.Pinhole{Verdict: upnp.Mapped, Address: netip.MustParseAddrPort("[2a01:5ead:77::10]:5")}
	private.IPv6, mapped.IPv6 = six, six
	if e := endpointFor(nil, dnsname.Status{}, private); e == nil || e.String() != six.Address.String() || len(e.Warnings) != 1 {
		t.Errorf("endpoint = %v, want IPv6's with a warning", e)
	}
	if e := endpointFor(nil, dnsname.Status{}, mapped); e == nil || e.String() != wan.String() || len(e.Warnings) != 0 {
		t.Errorf("endpoint = %v, want IPv4's", e)
	}
}

func TestIPv6HasALightOfItsOwn(t *testing.T) {
	at := netip.MustParseAddrPort("[2a01:5ead:77::10]:5")
	open := upnp.Pinhole{Verdict: upnp.Mapped, Address: at, VerifiedAt: time.Now()}
	for _, c := range []struct {
		name       string
		router     upnp.Status
		state      api.JointState // empty: no light
		port, says string
	}{
		{"no IPv6 here", upnp.Status{Verdict: upnp.Mapped, IPv6: upnp.Pinhole{Verdict: upnp.NoRouter}}, "", "", ""},
		{"switched off", upnp.Off(5), "", "", ""},
		{"open beside IPv4", upnp.Status{Verdict: upnp.Mapped, IPv6: open}, api.JointWorking, "", at.Addr().String()},
		{"no firewall", upnp.Status{Verdict: upnp.Mapped, IPv6: upnp.Pinhole{Verdict: upnp.Mapped, Foreign: true}}, api.JointWorking, "", "no firewall"},
		{"open alone", upnp.Status{Verdict: upnp.IPv6Only, IPv6: open}, api.JointWorking, "IPv6 only", at.Addr().String()},
		{"refused beside IPv4", upnp.Status{Verdict: upnp.Mapped, IPv6: upnp.Pinhole{Verdict: upnp.Refused}}, api.JointUnknown, "", "does not let"},
		{"refused alone", upnp.Status{Verdict: upnp.CarrierNAT, IPv6: upnp.Pinhole{Verdict: upnp.Refused}}, api.JointAttention, "", "does not let"},
	} {
		got := map[string]api.Joint{}
		if c.router.Verdict != upnp.IPv6Only {
			c.router.Gateway.Addr = netip.MustParseAddr("192.168.1.1")
		}
		for _, j := range wayHome(tunnel.Status{Up: true, ListenPort: 5}, c.router, dnsname.Status{}, endpointFor(nil, dnsname.Status{}, c.router), nil, nil, nil, time.Now()) {
			got[j.Key] = j
			if strings.Contains(j.Summary, "invalid") {
				t.Errorf("%s: %s says %q", c.name, j.Key, j.Summary)
			}
		}
		if j := got["ipv6"]; j.State != c.state || !strings.Contains(j.Summary, c.says) || !strings.Contains(got["port"].Summary, c.port) {
			t.Errorf("%s: %+v, port %+v", c.name, j, got["port"])
		}
	}
}

func TestSentencesCannotDriveATerminal(t *testing.T) {
	var b bytes.Buffer
	if err := printStatus(&b, api.Status{Joints: []api.Joint{{Summary: "a\x1b[2Jb\u202ec"}}}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("printed %q", b.String())
	}
}
