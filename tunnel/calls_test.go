package tunnel

import (
	"testing"
	"time"
)

// until asks for a name again and again until done: a phone's first packets may
// get lost.
func until(t *testing.T, tun *Tunnel, p *phone, done func() bool) {
	t.Helper()
	home := tun.cfg.Addresses[0].Addr()
	for end := time.Now().Add(patience); !done(); {
		if _, err := p.ask(t, home, "nas.home.", 300*time.Millisecond); time.Now().After(end) {
			t.Fatalf("asking for a name: %v; %+v", err, tun.Status().Arrivals)
		}
	}
}

func TestWhoCallsIsTold(t *testing.T) {
	cfg := testConfig(t)
	tun := runTunnel(t, cfg)
	begun := time.Now()
	anna, stranger := newPhone(t, cfg, "10.66.7.2"), newPhone(t, cfg, "10.66.7.3")
	if err := tun.SetPeers([]Peer{anna.peer}); err != nil {
		t.Fatal(err)
	}
	until(t, tun, stranger, func() bool { return len(tun.Calls(begun)) == 1 })
	c := tun.Calls(begun)[0]
	if c.Key != stranger.peer.PublicKey || c.Answers != 0 || c.Tries == 0 || !c.From.Addr().IsLoopback() || c.First.Before(begun) {
		t.Errorf("somebody whom we don't know: %+v", c)
	}
	until(t, tun, anna, func() bool { return len(tun.Calls(begun)) == 2 && !handshake(t, tun, anna.peer).IsZero() })
	for _, c := range tun.Calls(begun) {
		if c.Key == anna.peer.PublicKey && c.Answers == 0 || c.Key != anna.peer.PublicKey && c.Key != stranger.peer.PublicKey {
			t.Errorf("somebody whom we know: %+v", c)
		}
	}
	if late := tun.Calls(time.Now().Add(time.Hour)); len(late) != 0 {
		t.Errorf("since an hour from now: %+v", late)
	}
}

func TestNamesThatAPeerAskedForAreCounted(t *testing.T) {
	cfg := testConfig(t) // without a resolver
	tun := runTunnel(t, cfg)
	anna, bert := newPhone(t, cfg, "10.66.7.2"), newPhone(t, cfg, "10.66.7.3")
	if err := tun.SetPeers([]Peer{anna.peer, bert.peer}); err != nil {
		t.Fatal(err)
	}
	until(t, tun, anna, func() bool { return tun.Names(anna.peer.Addresses).Failed > 0 })
	if n := tun.Names(anna.peer.Addresses); n.Asked < n.Failed || n.Answered != 0 || n.Refused != 0 {
		t.Errorf("counted %+v", n)
	}
	if n := tun.Names(bert.peer.Addresses); n != (NameTally{}) {
		t.Errorf("of who did not ask: %+v", n)
	}
}
