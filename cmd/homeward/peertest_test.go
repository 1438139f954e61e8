package main

import (
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/cmd/homeward/internal/phonetest"
	"homeward/configs/secret"
	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
	"homeward/web/languages"
)

func TestEveryStageAndCauseHasItsWords(t *testing.T) {
	seen := map[string]phonetest.Cause{}
	texts := languages.Load()
	for _, c := range phonetest.Causes() {
		told := api.PeerTest{State: api.TestFailed, Cause: string(c), Name: "Bert's phone", Reason: "not granted"}.Told()
		if told.Text == "" || told.Cure == "" || strings.Contains(told.Text+told.Cure, "%") {
			t.Errorf("%s: %q, %q", c, told.Text, told.Cure)
		}
		for _, l := range texts.All() {
			say, ok := l.Find("test.cause", string(c), "Name", "Bert's phone", "Reason", "not granted")
			cure, cured := l.Find("test.cure", string(c))
			if !ok || !cured {
				t.Errorf("%s has no words in %s", c, l.Tag())
			}
			// The command line and the page say the same, but for commands.
			if l.Tag() == "en" && (say != told.Text || cure != told.Cure && c != phonetest.NotRunning) {
				t.Errorf("%s: the page says %q, %q; the command line %q, %q", c, say, cure, told.Text, told.Cure)
			}
		}
		if other, twice := seen[told.Text]; twice {
			t.Errorf("%s says what %s says", c, other)
		}
		seen[told.Text] = c
	}
	for _, s := range phonetest.Stages() {
		if told := (api.PeerTest{Steps: []api.TestStep{{Stage: string(s)}}}).Told(); told.Steps[0].Text == "" {
			t.Errorf("stage %s has no words", s)
		}
		for _, l := range texts.All() {
			if _, ok := l.Find("test.stage", string(s)); !ok {
				t.Errorf("stage %s has no words in %s", s, l.Tag())
			}
		}
	}
}

func TestWhatWasCountedBeforeATestDoesNotCount(t *testing.T) {
	zero := func() []uint64 { return make([]uint64, len(tunnel.Reasons())) }
	before := counted{from: 5, to: 7, dropped: 2, passed: 1, repeated: 4, reasons: zero(), names: tunnel.NameTally{Answered: 3, Failed: 1}}
	before.reasons[1] = 2
	now := counted{from: 6, to: 7, dropped: 3, passed: 1, repeated: 9, reasons: zero(), names: tunnel.NameTally{Answered: 3, Failed: 2}}
	now.reasons[1], now.reasons[0] = 2, 1
	want := phonetest.Inner{From: 1, Dropped: 1, Reason: tunnel.Reasons()[0].String(), Failed: 1, LargeRepeated: 5}
	if got := now.since(before); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	// The code in use was replaced: its counters began anew.
	if got := (counted{from: 3, reasons: zero()}).since(before); got.From != 3 || got.To != 0 {
		t.Errorf("after a new code: %+v", got)
	}
}

func TestWhoIsInTheHouse(t *testing.T) {
	in := insider{netip.MustParseAddr("81.2.69.2"), []netip.Prefix{netip.MustParsePrefix("2a01:5ead:77::/64")}}
	for addr, want := range map[string]bool{
		"81.2.70.5": false, "81.2.69.2": true, "::ffff:81.2.69.2": true, "192.168.77.1": true, "127.0.0.1": true, "fe80::1": true,
		"2a01:5ead:77::9": true, "2a01:5ead:70::5": false, "fd00::5": true, "100.64.3.3": false,
	} {
		if got := in.has(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
}

func TestTestsAreBoundedAndTheLatestAreKept(t *testing.T) {
	key, err := secret.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	tun, err := tunnel.New(tunnel.Config{
		PrivateKey: key, ListenPort: 41234, Addresses: []netip.Prefix{netip.MustParsePrefix("10.6.0.1/24")}, StateDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	k := &peerTests{a: &appliance{tunnel: tun}}
	now := time.Now()
	for id := range 3 * maxTests {
		k.mu.Lock()
		k.beginLocked(peers.Peer{ID: peers.ID(1 + id)}, now.Add(time.Duration(id)*time.Second))
		k.mu.Unlock()
	}
	if len(k.windows) != maxTests || k.windows[1] != nil || k.windows[3*maxTests] == nil || k.windows[2*maxTests+1] == nil {
		t.Errorf("%d tests are kept, want the latest %d", len(k.windows), maxTests)
	}
	began := k.windows[3*maxTests].began
	k.BeginTest(peers.Peer{ID: 3 * maxTests})
	if len(k.windows) != maxTests || k.windows[3*maxTests].began.Equal(began) {
		t.Error("beginning again changed nothing, or pushed another one out")
	}
}

// T60: the port is open by the router's word, and nobody has come in: its firewall is
// named, which it is not once the way in is proven, or where the port is shut anyway.
func TestAFirewallOfTheRoutersIsNamedWhereNothingComesThrough(t *testing.T) {
	router := upnp.Status{Verdict: upnp.Mapped, Port: 41234, Router: upnp.Router{Name: "MikroTik RB4011"}, Gateway: upnp.Gateway{Self: netip.MustParseAddr("192.168.1.10")}}
	for name, tt := range map[string]struct {
		j      api.Joint
		proven bool
		door   phonetest.Door
		says   string
	}{
		"open, nobody came":  {api.Joint{State: api.JointWorking}, false, phonetest.DoorMapped, "dstnat"},
		"open and proven":    {api.Joint{State: api.JointWorking}, true, phonetest.DoorMapped, ""},
		"shut":               {api.Joint{State: api.JointFailed, Advice: "Open it."}, false, phonetest.DoorShut, "Open it."},
		"nobody knows":       {api.Joint{State: api.JointUnknown}, false, phonetest.DoorUnknown, ""},
		"open, with a worry": {api.Joint{State: api.JointWorking, Advice: "Look."}, false, phonetest.DoorMapped, "Look."},
	} {
		door, advice := doorOf(tt.j, router, tt.proven)
		if door != tt.door || !strings.Contains(advice, tt.says) || (tt.says == "") != (advice == "") {
			t.Errorf("%s: %v, %q", name, door, advice)
		}
	}
	router.Others[0] = netip.MustParseAddr("192.168.1.50")
	if j := routerJoint(router, false); j.State != api.JointWorking || !strings.Contains(j.Summary, "Another router answers at 192.168.1.50; it is not asked") {
		t.Errorf("T06: %s, %q", j.State, j.Summary)
	}
}

// After a renumbering the key of the old code is good and its addresses are not.
func TestAPhoneWithTheAddressesOfBeforeIsToldApart(t *testing.T) {
	old, next := wgtypes.Key{1}, wgtypes.Key{2}
	began := time.Now()
	list := func(key wgtypes.Key) []tunnel.PeerStatus {
		return []tunnel.PeerStatus{{PublicKey: key, LastHandshake: began.Add(time.Second), Endpoint: netip.MustParseAddrPort("198.51.100.7:9")}}
	}
	p := peers.Peer{PublicKey: old, NeedsCode: []peers.Reason{peers.ReasonAddress, peers.ReasonDNS}}
	s, ok := sessionOf(list(old), p, began, false, insider{})
	if v := phonetest.Diagnose(phonetest.Evidence{Up: true, Session: &s}); !ok || v.Stopped != phonetest.Data || v.Cause != phonetest.CodeMoved {
		t.Errorf("the old code: %+v, %+v", s, v)
	}
	p.NeedsCode = p.NeedsCode[1:]
	if s, ok := sessionOf(list(old), p, began, false, insider{}); !ok || s.Moved {
		t.Errorf("another DNS server alone: %+v", s)
	}
	p.NeedsCode, p.Next = []peers.Reason{peers.ReasonAddress}, peers.NextKey{PublicKey: next}
	s, ok = sessionOf(list(next), p, began, false, insider{})
	if v := phonetest.Diagnose(phonetest.Evidence{Up: true, Session: &s, Inner: phonetest.Inner{From: 1, To: 1}}); !ok || s.Moved || v.State != phonetest.Passed {
		t.Errorf("the new code: %+v, %+v", s, v)
	}
	s, ok = sessionOf(list(old), p, began, false, insider{})
	if v := phonetest.Diagnose(phonetest.Evidence{Up: true, Session: &s}); !ok || v.Cause != phonetest.CodeReplaced {
		t.Errorf("the old code while a new one waits: %+v, %+v", s, v)
	}
}
