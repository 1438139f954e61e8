package peers_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"homeward/peers"
	"homeward/peers/peerstest"
)

// manyRoutes are n networks.
func manyRoutes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "10.%d.0.0/16 ", i)
	}
	return b.String()
}

// What the owner wrote for a device is in its code, in a new one after a change of it,
// and the other of its two codes is the preset as ever.
func TestNetworksAndDNSServersOfTheOwnersOwnAreInTheCode(t *testing.T) {
	db, dev := openDB(t), peerstest.NewDevice()
	m := newManager(t, db, dev)
	i, err := m.Create(t.Context(), peers.NewPeer{Name: "work", Routes: "192.168.7.20, 10.99.0.0/16", Resolvers: "192.168.7.1"})
	if err != nil {
		t.Fatal(err)
	}
	text := textOfCode(t, i.Client)
	for _, want := range []string{"AllowedIPs = 10.99.0.0/16, 192.168.7.20/32\n", "DNS = 192.168.7.1\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the code lacks %q:\n%s", want, text)
		}
	}
	other, err := i.As(peers.ProfileEverything)
	if err != nil || !strings.Contains(textOfCode(t, other), "AllowedIPs = 0.0.0.0/0, ::/0\n") {
		t.Errorf("the other code: %v, %v", other.AllowedIPs, err)
	}
	if p := mustGet(t, m, i.Peer.ID); len(p.NeedsCode) != 0 {
		t.Errorf("a new code is outdated: %v", p.NeedsCode)
	}
	// They are in what the tunnel comes up from without its database, too.
	records, err := m.Records()
	if err != nil {
		t.Fatal(err)
	}
	newer, leftOut, err := peers.ParseRecords(records)
	if err != nil || len(leftOut) != 0 {
		t.Fatal(leftOut, err)
	}
	copied := newManager(t, openDB(t), peerstest.NewDevice())
	if _, err := copied.Reconcile(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	if p := mustGet(t, copied, i.Peer.ID); p.Routes != "10.99.0.0/16, 192.168.7.20/32" || p.Resolvers != "192.168.7.1" {
		t.Errorf("of the last good file: %q, %q", p.Routes, p.Resolvers)
	}
	edited, err := m.Edit(t.Context(), i.Peer.ID, 0, peers.Change{Resolvers: new(peers.Resolvers("")), Routes: new(peers.Routes("192.168.7.20"))})
	if err != nil || !slices.Equal(edited.NeedsCode, []peers.Reason{peers.ReasonDNS, peers.ReasonNetworks}) {
		t.Errorf("after a change of both: %v, %v", edited.NeedsCode, err)
	}
	again, err := m.Rotate(t.Context(), i.Peer.ID)
	if err != nil {
		t.Fatal(err)
	}
	// Whose names are looked up at home reaches who looks them up.
	for _, a := range again.Client.DNS {
		if !slices.ContainsFunc(again.Client.AllowedIPs, func(p netip.Prefix) bool { return p.Contains(a) }) {
			t.Errorf("%v is asked for names and not reached by %v", a, again.Client.AllowedIPs)
		}
	}
	if len(again.Client.DNS) == 0 || !slices.Contains(again.Client.AllowedIPs, netip.MustParsePrefix("192.168.7.20/32")) {
		t.Errorf("DNS %v, networks %v", again.Client.DNS, again.Client.AllowedIPs)
	}
	back, err := m.Edit(t.Context(), i.Peer.ID, 0, peers.Change{Routes: new(peers.Routes(" "))})
	if err != nil || back.Routes != "" {
		t.Errorf("the profile's again: %q, %v", back.Routes, err)
	}
	var f *peers.FieldError
	if _, err := m.Create(t.Context(), peers.NewPeer{Name: "leak", Routes: "0.0.0.0/0"}); !errors.As(err, &f) || f.Field != "allowed_ips" {
		t.Errorf("half of the internet: %v", err)
	}
}

func textOfCode(t *testing.T, c peers.ClientConfig) string {
	t.Helper()
	b, err := c.Text()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
