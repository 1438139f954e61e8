package upnp

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"

	"homeward/upnp/routertest"
)

// A router whose address changes, and which begins no new epoch for it: PCP repeats
// what it told with the mapping, UPnP beside it knows.
func TestAnotherPublicAddressIsNoticedByPCPWithAWitness(t *testing.T) {
	r := routertest.New(t, routertest.Options{PCP: true})
	p, a := (&pcp{port: r.ControlPort(), secret: []byte("sixteen bytes...")}).probe(t.Context(), loop(r))
	if !a.ok() {
		t.Fatal(a)
	}
	u, a := (&igd{ssdpPort: r.SSDPPort(), log: slog.New(slog.DiscardHandler)}).probe(t.Context(), loop(r))
	if !a.ok() {
		t.Fatal(a)
	}
	s := &witnessed{session: p, witness: u.(tableReader)}
	if _, a := s.add(t.Context(), testWant()); !a.ok() {
		t.Fatal(a)
	}
	before, a := s.external(t.Context())
	if !a.ok() || !before.IsValid() {
		t.Fatalf("%v, %+v", before, a)
	}
	const call = "GetExternalIPAddress"
	calls := r.Calls(call)
	r.SetWAN("81.2.69.77")
	if addr, a := s.external(t.Context()); !a.ok() || addr != before || r.Calls(call) != calls {
		t.Errorf("asked again at once: %v, %+v, %d calls", addr, a, r.Calls(call)-calls)
	}
	later := func() (netip.Addr, answer) {
		s.askedAt = s.askedAt.Add(-addressEvery)
		return s.external(t.Context())
	}
	if addr, a := later(); a.outcome != notThere {
		t.Errorf("not noticed: %v, %+v", addr, a)
	}
	if g, a := s.add(t.Context(), testWant()); !a.ok() || g.external.String() != "81.2.69.77" {
		t.Errorf("%+v, %+v", g, a)
	}
	if addr, a := later(); !a.ok() || addr.String() != "81.2.69.77" {
		t.Errorf("after it was asked for again: %v, %+v", addr, a)
	}

	// Two that never agree are no reason to ask again and again.
	s.witness = elsewhere{s.witness}
	if _, a := later(); a.outcome != notThere {
		t.Errorf("%+v", a)
	}
	s.add(t.Context(), testWant())
	if addr, a := later(); !a.ok() || addr.String() != "81.2.69.77" {
		t.Errorf("asked for again and again: %v, %+v", addr, a)
	}
}

// elsewhere is a witness that tells an address which PCP never tells.
type elsewhere struct{ tableReader }

func (elsewhere) external(context.Context) (netip.Addr, answer) {
	return netip.MustParseAddr("81.2.69.99"), answer{}
}
