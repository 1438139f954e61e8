//go:build unix

package web

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"homeward/peers"
)

// cpu is what the process has used so far.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// An open page costs less than 2 % of a core, also when 200 devices move at once.
func TestAnOpenPageOfManyDevicesCostsLittle(t *testing.T) {
	w := newWorld(t)
	l := w.page.languages.Accepted("en")
	var list []peers.Peer
	for i := range 200 {
		list = append(list, w.addPeer(fmt.Sprint("device ", i)).Peer)
	}
	var speeds rates
	const rounds = 20
	begun, now := cpu(t), time.Now()
	for n := range uint64(rounds) {
		now = now.Add(liveEvery)
		for _, p := range list {
			w.dev.Observe(p.PublicKey, peers.Observed{Endpoint: netip.MustParseAddrPort("203.0.113.5:9"), LastHandshake: now, ReceivedBytes: n << 20, SentBytes: n << 22})
		}
		for page := range (len(list) + perPage - 1) / perPage { // all of them, though a page lists fewer
			v := w.page.news(l, now, map[string][]string{"page": {fmt.Sprint(page + 1)}}, 0, &speeds)
			if b, err := json.Marshal(v); err != nil || len(v.Peers) != perPage || len(b) == 0 {
				t.Fatalf("%d devices, %v", len(v.Peers), err)
			}
		}
	}
	each := (cpu(t) - begun) / rounds
	t.Logf("%v of CPU every %v: %.2f %% of a core", each, liveEvery, 100*each.Seconds()/liveEvery.Seconds())
	if each > liveEvery*2/100 {
		t.Errorf("an open page takes %v of CPU every %v", each, liveEvery)
	}
}
