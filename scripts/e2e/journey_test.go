//go:build linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"homeward/peers/history"
	"homeward/scripts/labnet"
)

const fileOfTheHouse = "the file from the share\n"

// homeward is a running homeward on the lab's NAS.
type homeward struct {
	t   *testing.T
	lab *labnet.Lab
	bin string
	dir string
	*labnet.Process
}

func build(t *testing.T, dir string) string {
	t.Helper()
	bin := filepath.Join(dir, "homeward")
	cmd := exec.Command("go", "build", "-o", bin, "homeward/cmd/homeward")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building homeward: %v\n%s", err, out)
	}
	return bin
}

// startHomeward starts it as a person would. Rootless means: as nobody, without
// capabilities and without /dev/net/tun.
func startHomeward(t *testing.T, lab *labnet.Lab, bin string, rootless bool) *homeward {
	t.Helper()
	h := &homeward{t: t, lab: lab, bin: bin, dir: filepath.Join(lab.Dir, "home")}
	h.Process = lab.NAS.Start(lab.NAS.CommandAs(context.Background(), rootless, h.dir, h.bin, "serve", "--state", h.state(), "--config", os.DevNull))
	return h
}

func (h *homeward) state() string { return filepath.Join(h.dir, "state") }

// do runs one command against the running homeward.
func (h *homeward) do(args ...string) (string, error) {
	return h.lab.NAS.Try(h.bin, append(args, "--state", h.state(), "--config", os.DevNull)...)
}

var linkLine = regexp.MustCompile(`https://\S+/setup\?token=\S+`)

// setupLink waits for the link that it prints.
func (h *homeward) setupLink() string {
	h.t.Helper()
	var link string
	labnet.Eventually(h.t, 15*time.Second, "the setup link is printed", func() bool {
		link = linkLine.FindString(h.Output())
		return link != ""
	})
	return link
}

// stop asks it to end and says how long that took.
func (h *homeward) stop() time.Duration {
	h.t.Helper()
	begun := time.Now()
	if err := h.Stop(); err != nil {
		h.t.Errorf("homeward ended with %v", err)
	}
	return time.Since(begun)
}

func TestAPhoneOutsideReachesTheShareAtHome(t *testing.T) {
	for name, rootless := range map[string]bool{"tun": false, "netstack": true} {
		t.Run(name, func(t *testing.T) { journey(t, name, rootless) })
	}
}

// journey is what a person does, from nothing to a phone that is thrown out.
func journey(t *testing.T, plane string, rootless bool) {
	lab := labnet.New(t, labnet.Options{NoNATPMP: true}) // the port is opened by UPnP
	lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fileOfTheHouse) }))
	before := hostState(lab)

	bin := build(t, lab.Dir)
	begun := time.Now()
	h := startHomeward(t, lab, bin, rootless)
	labnet.Eventually(t, 15*time.Second, "the router's port is open", func() bool { return len(lab.Mappings()) == 1 })
	t.Logf("port open after %v", time.Since(begun).Round(time.Millisecond))

	link := h.setupLink()
	page := openBrowser(t, lab.Laptop)
	page.claim(link)
	page.shot("first")
	page.addDevice("Anna's phone")
	page.shot("code")
	picture := filepath.Join(lab.Dir, "code.png")
	if err := os.WriteFile(picture, page.code(), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := exec.Command("zbarimg", "--raw", "-q", picture).Output()
	if err != nil {
		t.Fatalf("reading the code: %v", err)
	}
	if text, err := h.do("peers", "config", "1"); err != nil || strings.TrimSuffix(text, "\n") != strings.TrimRight(string(config), "\n") {
		t.Errorf("the code reads %q, the file %q (%v)", config, text, err)
	}
	mapping := lab.Mappings()
	if len(mapping) != 1 || !strings.Contains(mapping[0], "UDP") || !strings.Contains(mapping[0], "->"+labnet.NAS4+":") {
		t.Errorf("the router has %q", mapping)
	}
	if rules := lab.Router.Run("nft", "list", "ruleset"); strings.Count(rules, "dnat") != 1 {
		t.Errorf("the router's rules:\n%s", rules)
	}

	if fetch(lab) == nil { // the negative control
		t.Fatal("the share can be reached without the tunnel: the test would prove nothing")
	}
	down := lab.PhoneUp(config)
	defer func() { down() }()
	labnet.Eventually(t, 15*time.Second, "the phone fetches the file", func() bool { return fetch(lab) == nil })
	t.Logf("first file after %v", time.Since(begun).Round(time.Millisecond))
	for _, addr := range []string{labnet.Share4, labnet.Share6} {
		if out, err := lab.Phone.Try("ping", "-c", "3", "-W", "20", addr); err != nil {
			t.Errorf("pinging %s: %s", addr, out)
		}
	}
	if out, err := lab.Phone.Try("dig", "+short", "+time=20", labnet.ShareName, "A"); err != nil || strings.TrimSpace(out) != labnet.Share4 {
		t.Errorf("looking %s up: %q, %v", labnet.ShareName, out, err)
	}
	page.waitText("[data-test] [data-of=text]", "All is good")
	page.shot("tested")
	checkSeen(t, h, plane)
	checkPageIsForTheHouse(t, lab)
	checkNoSecretIsTold(t, h, string(config))

	checkAccess(t, h)
	down = checkNewCode(t, h, down, config)
	page.waitText("[data-of=seen]", "Here now, from "+labnet.Phone4)
	page.shot("connected")
	checkHistory(t, h)
	lastIn := watchFetches(t, lab)
	asked := page.removeDevice()
	if in := lastIn().Sub(asked); in > time.Second {
		t.Errorf("the removed phone asked for a file %v after its removal, and got it", in)
	} else {
		t.Logf("the removed phone's last file was asked for %v after its removal", in.Round(time.Millisecond))
	}

	page.checkClean(strings.TrimSuffix(link[:strings.Index(link, "/setup")], "/"))

	if took := h.stop(); took > 2*time.Second {
		t.Errorf("stopping took %v, want at most 2 s", took)
	}
	if left := lab.Mappings(); len(left) != 0 {
		t.Errorf("the router still has %q", left)
	}
	if after := hostState(lab); after != before {
		t.Errorf("left behind on the NAS:\nbefore:\n%s\nafter:\n%s", before, after)
	}
}

// checkHistory looks at what was written down of the phone.
func checkHistory(t *testing.T, h *homeward) {
	t.Helper()
	place := history.Coarse(netip.MustParseAddr(labnet.Phone4))
	var log, shown string
	labnet.Eventually(t, 25*time.Second, "the phone's history is written down", func() bool {
		log, _ = h.do("log", "--peer", "1")
		shown, _ = h.do("peers", "show", "1")
		return strings.Contains(log, "Was here for the first time, from "+place) && strings.Contains(log, "from outside ("+place+")") && !strings.Contains(shown, "In the last 30 days: 0 B received")
	})
	if strings.Contains(log, labnet.Phone4) || !strings.Contains(log, "Was added · admin") {
		t.Errorf("the log says:\n%s", log)
	}
}

// checkSeen looks at what homeward says of the phone and of itself.
func checkSeen(t *testing.T, h *homeward, plane string) {
	t.Helper()
	out, err := h.do("status", "--json")
	var status struct {
		Joints []struct{ Key, State, Summary string }
	}
	if err != nil || json.Unmarshal([]byte(out), &status) != nil || len(status.Joints) != 7 {
		t.Fatalf("status: %v\n%s", err, out)
	}
	for _, j := range status.Joints {
		if j.State != "working" {
			t.Errorf("%s is %s: %s", j.Key, j.State, j.Summary)
		}
	}
	if rootless := strings.Contains(status.Joints[0].Summary, "rootless"); rootless != (plane == "netstack") {
		t.Errorf("the plane is another one: %s", status.Joints[0].Summary)
	}
	if out, err := h.do("peers", "list", "--json"); err != nil || !strings.Contains(out, labnet.Phone4+":") {
		t.Errorf("list: %v\n%s", err, out)
	}
}

// checkAccess takes the home away from the phone and gives it back.
func checkAccess(t *testing.T, h *homeward) {
	t.Helper()
	set := func(access string) {
		if out, err := h.do("peers", "access", "1", access); err != nil {
			t.Fatal(out)
		}
	}
	set("internet")
	for cut := time.Now(); ; {
		asked := time.Now()
		if fetch(h.lab) != nil {
			break
		}
		if after := asked.Sub(cut); after > time.Second {
			t.Fatalf("the phone asked for a file %v after that was forbidden, and got it", after)
		}
	}
	for _, addr := range []string{labnet.Share4, labnet.Share6} {
		if out, err := h.lab.Phone.Try("ping", "-c", "1", "-W", "1", addr); err == nil {
			t.Errorf("it still pings %s: %s", addr, out)
		}
	}
	if out, err := h.do("doctor"); err != nil || !strings.Contains(out, "not granted ") {
		t.Errorf("doctor does not tell of refused packets: %s, %v", out, err)
	}
	checkChosen(t, h, set)
	set("home")
	labnet.Eventually(t, 5*time.Second, "the phone reaches the share again", func() bool { return fetch(h.lab) == nil })
}

// checkChosen grants single things: the share's page, and homeward's own.
func checkChosen(t *testing.T, h *homeward, set func(access string)) {
	t.Helper()
	reaches := func(url string) bool {
		_, err := h.lab.Phone.Try("curl", "-sk", "--max-time", "1", "-o", "/dev/null", url)
		return err == nil
	}
	const share, admin = "http://" + labnet.Share4 + "/", "https://" + labnet.NAS4 + ":8377/healthz"
	for _, c := range []struct {
		access       string
		share, admin bool
	}{
		{labnet.Share4 + " tcp/80", true, false},
		{labnet.Share4 + " tcp/81; " + labnet.Laptop4, false, false},
		{labnet.LANPrefix4 + " tcp/1-1024; box", true, false},
		{"admin", false, true},
		{"nothing", false, false},
	} {
		set(c.access)
		labnet.Eventually(t, 5*time.Second, "access to "+c.access, func() bool { return reaches(share) == c.share && reaches(admin) == c.admin })
		if _, err := h.lab.Phone.Try("ping", "-c", "1", "-W", "1", labnet.Share4); err == nil {
			t.Errorf("with access to %s it pings the share", c.access)
		}
	}
}

// checkNewCode makes a new code and sees the phone change over to it. It returns
// what takes the new tunnel down.
func checkNewCode(t *testing.T, h *homeward, down func(), old []byte) func() {
	t.Helper()
	if out, err := h.do("peers", "rotate", "1"); err != nil {
		t.Fatal(out)
	}
	labnet.Eventually(t, 5*time.Second, "the old code works until the new one is used", func() bool { return fetch(h.lab) == nil })
	config, err := h.do("peers", "config", "1")
	if err != nil {
		t.Fatal(config)
	}
	down()
	down = h.lab.PhoneUp([]byte(config))
	labnet.Eventually(t, 15*time.Second, "the phone comes in by the new code", func() bool { return fetch(h.lab) == nil })
	down()
	down = h.lab.PhoneUp(old)
	for range 2 { // the first handshake takes a moment
		if fetch(h.lab) == nil {
			t.Error("the old code still works")
		}
	}
	down()
	down = h.lab.PhoneUp([]byte(config))
	labnet.Eventually(t, 15*time.Second, "the phone comes in by the new code again", func() bool { return fetch(h.lab) == nil })
	return down
}

// checkPageIsForTheHouse looks where the admin page listens.
func checkPageIsForTheHouse(t *testing.T, lab *labnet.Lab) {
	t.Helper()
	at := map[netip.Addr]bool{}
	for line := range strings.Lines(lab.NAS.Run("ss", "-Hltn", "sport = :8377")) {
		ap, err := netip.ParseAddrPort(strings.Fields(line)[3])
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		at[ap.Addr()] = true
	}
	for _, want := range []string{"127.0.0.1", "::1", labnet.NAS4, labnet.NAS6} {
		if !at[netip.MustParseAddr(want)] {
			t.Errorf("the page does not listen on %s, but on %v", want, at)
		}
	}
	for a := range at {
		if !a.IsLoopback() && !a.IsPrivate() {
			t.Errorf("the page listens on %v", a)
		}
	}
	if out, err := lab.Phone.Try("curl", "-sk", "--max-time", "1", "https://["+labnet.NASPublic6+"]:8377/healthz"); err == nil {
		t.Errorf("the page answers the internet: %s", out)
	}
	if out, err := lab.Laptop.Try("curl", "-sk", "--max-time", "30", "https://"+labnet.NAS4+":8377/healthz"); err != nil || out != "ok\n" {
		t.Errorf("the page does not answer the house: %s, %v", out, err)
	}
}

// checkNoSecretIsTold looks for keys and the password where none may be.
func checkNoSecretIsTold(t *testing.T, h *homeward, config string) {
	t.Helper()
	secrets := []string{password}
	for line := range strings.Lines(config) {
		if k, v, _ := strings.Cut(line, " = "); k == "PrivateKey" || k == "PresharedKey" {
			secrets = append(secrets, strings.TrimSpace(v))
		}
	}
	if len(secrets) != 3 {
		t.Fatalf("%d secrets: the test would prove nothing", len(secrets))
	}
	places := map[string]string{"the log": h.Output()}
	for _, args := range [][]string{{"peers", "list", "--json"}, {"peers", "show", "1", "--json"}, {"status", "--json"}} {
		out, err := h.do(args...)
		if err != nil {
			t.Fatal(out)
		}
		places[strings.Join(args, " ")] = out
	}
	processes, err := exec.Command("ps", "-eo", "args").Output()
	if err != nil {
		t.Fatal(err)
	}
	places["the list of processes"] = string(processes)
	for where, text := range places {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("%s tells a secret:\n%s", where, text)
			}
		}
	}
}

// hostState is what homeward must leave as it was.
func hostState(lab *labnet.Lab) string {
	var b strings.Builder
	for _, cmd := range [][]string{
		{"ip", "-br", "addr"}, {"ip", "route"}, {"ip", "-6", "route"}, {"nft", "list", "ruleset"},
		{"sysctl", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv6.conf.eth0.accept_ra"},
	} {
		fmt.Fprintf(&b, "%s\n", lab.NAS.Run(cmd[0], cmd[1:]...))
	}
	return b.String()
}

// watchFetches fetches the file again and again, until the function that it
// returns is called and a fetch has failed. That one returns when the last fetch
// that worked had begun, or gives up after five seconds.
func watchFetches(t *testing.T, lab *labnet.Lab) (last func() time.Time) {
	labnet.Eventually(t, 5*time.Second, "a file comes before anything is removed", func() bool { return fetch(lab) == nil })
	worked := time.Now()
	ending, failed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(failed)
		var since time.Time
		for t.Context().Err() == nil && (since.IsZero() || time.Since(since) < 5*time.Second) {
			asked := time.Now()
			if fetch(lab) == nil {
				worked = asked
			} else if !since.IsZero() {
				return
			}
			select {
			case <-ending:
				if since.IsZero() {
					since = time.Now()
				}
			default:
			}
		}
	}()
	return func() time.Time {
		close(ending)
		<-failed
		return worked
	}
}

// fetch gets the file from the share as the phone does, by HTTP.
func fetch(lab *labnet.Lab) error {
	out, err := lab.Phone.Try("curl", "-s", "--max-time", "0.7", "http://"+labnet.Share4+"/")
	if err == nil && out != fileOfTheHouse {
		err = fmt.Errorf("got %q", out)
	}
	return err
}
