package upnp

import (
	"net/netip"
	"testing"
	"time"
)

func TestReachSaysWhatTheRouterSaysTogetherWithWhatWasSeen(t *testing.T) {
	foreign, ours := &Mapping{Foreign: true}, &Mapping{}
	proof := []Proof{{Kind: ProofHandshake, At: time.Now()}}
	got := map[Reach]bool{}
	for _, c := range []struct {
		name   string
		status Status
		proofs []Proof
		stale  bool
		want   Reach
	}{
		{"nothing heard yet", Status{}, nil, false, ReachUnknown},
		{"opened", Status{Verdict: Mapped, Mapping: ours}, nil, false, ReachMapped},
		{"opened and seen", Status{Verdict: Mapped, Mapping: ours}, proof, false, ReachSeen},
		{"seen although codes are stale", Status{Verdict: Mapped, Mapping: ours}, proof, true, ReachSeen},
		{"refused and seen all the same", Status{Verdict: NoIGD}, proof, false, ReachSeen},
		{"codes are stale", Status{Verdict: Mapped, Mapping: ours}, nil, true, ReachStale},
		{"somebody's own entry", Status{Verdict: Mapped, Mapping: foreign}, nil, false, ReachByHand},
		{"the owner said so", Status{Verdict: ByHand}, nil, false, ReachByHand},
		{"by IPv6 alone", Status{Verdict: IPv6Only}, nil, false, ReachIPv6Only},
		{"nobody answers", Status{Verdict: NoIGD}, nil, true, ReachNoIGD},
		{"refused", Status{Verdict: Refused}, nil, false, ReachRefused},
		{"taken", Status{Verdict: Conflict}, nil, false, ReachConflict},
		{"two routers", Status{Verdict: PrivateWAN}, nil, false, ReachDoubleNAT},
		{"a carrier's NAT", Status{Verdict: CarrierNAT, WAN: netip.MustParseAddr("100.64.1.2")}, nil, false, ReachCarrierNAT},
		{"DS-Lite", Status{Verdict: CarrierNAT, WAN: netip.MustParseAddr("192.0.0.2")}, nil, false, ReachDSLite},
		{"no address", Status{Verdict: NoWAN}, nil, false, ReachNoAddress},
		{"nonsense", Status{Verdict: RouterBroken}, nil, false, ReachRouterBroken},
		{"no router", Status{Verdict: NoRouter}, nil, false, ReachNoRouter},
		{"switched off", Status{Verdict: Disabled}, nil, false, ReachNotAsked},
		{"keeps nothing", Status{Verdict: RouterBroken, Denied: Denied{Times: keptNotAfter}}, nil, false, ReachLies},
		{"keeps nothing, and seen", Status{Verdict: Mapped, Mapping: ours, Denied: Denied{Times: keptNotAfter}}, proof, false, ReachSeen},
	} {
		r := c.status.Reach(c.proofs, c.stale, c.status.Lies(Sighting{}))
		if got[r] = true; r != c.want {
			t.Errorf("%s: %s, want %s", c.name, r, c.want)
		}
	}
	for _, r := range Reaches() {
		if !got[r] {
			t.Errorf("no case for %s", r)
		}
	}
}

// A flow that the router knows lives on when its port goes to somebody else.
func TestTheRoutersWordWeighsMoreThanAnOldProof(t *testing.T) {
	since := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	before, after := since.Add(-time.Minute), since.Add(time.Minute)
	for _, c := range []struct {
		name    string
		verdict Verdict
		proof   Proof
		proves  bool
	}{
		{"mapped, before", Mapped, Proof{Kind: ProofHandshake, At: before}, true},
		{"taken, before", Conflict, Proof{Kind: ProofHandshake, At: before}, false},
		{"taken, after", Conflict, Proof{Kind: ProofHandshake, At: after}, false},
		{"taken, by IPv6", Conflict, Proof{Kind: ProofHandshake, At: before, Six: true}, true},
		{"taken, a browser called", Conflict, Proof{Kind: ProofKnock, At: after}, true},
		{"refused, before", Refused, Proof{Kind: ProofHandshake, At: before}, false},
		{"refused, after: forwarded by hand", Refused, Proof{Kind: ProofHandshake, At: after}, true},
		{"not kept, before", RouterBroken, Proof{Kind: ProofKnock, At: before}, false},
		{"silent, before", NoIGD, Proof{Kind: ProofHandshake, At: before}, true},
	} {
		if got := (Status{Verdict: c.verdict, Since: since}).Proves(c.proof, after.Add(time.Minute)); got != c.proves {
			t.Errorf("%s: proves %v, want %v", c.name, got, c.proves)
		}
	}
}

// What was seen proves nothing any more once home has another address, port or
// router, or after seven days.
func TestProofEnds(t *testing.T) {
	at := func(addr, port, router string) Status {
		ap := netip.MustParseAddrPort(addr + ":" + port)
		return Status{Verdict: Mapped, External: ap.Addr(), Mapping: &Mapping{External: ap}, Router: Router{ID: router}, Gateway: Gateway{Addr: netip.MustParseAddr("192.168.1.1")}}
	}
	start := time.Unix(1_000_000, 0)
	first := at("81.2.69.2", "51820", "a").placed(Status{}, start)
	proof := Proof{Kind: ProofHandshake, At: start.Add(time.Hour)}
	later := start.Add(2 * time.Hour)
	for name, c := range map[string]struct {
		status Status
		now    time.Time
		proves bool
	}{
		"nothing changed":                       {at("81.2.69.2", "51820", "a"), later, true},
		"six days later":                        {at("81.2.69.2", "51820", "a"), start.Add(6 * 24 * time.Hour), true},
		"seven days later":                      {at("81.2.69.2", "51820", "a"), proof.At.Add(ProofLasts), false},
		"another address":                       {at("81.2.69.9", "51820", "a"), later, false},
		"another port":                          {at("81.2.69.2", "51821", "a"), later, false},
		"another router":                        {at("81.2.69.2", "51820", "b"), later, false},
		"forwarded by hand":                     {Status{Verdict: ByHand, Port: 51820, External: netip.MustParseAddr("81.2.69.2"), Router: Router{ID: "a"}, Gateway: first.Gateway}, later, true},
		"behind another gateway, which is shut": {Status{Verdict: NoIGD, Gateway: Gateway{Addr: netip.MustParseAddr("10.0.0.1")}}, later, false},
		"the line is down":                      {Status{Verdict: NoIGD, Gateway: first.Gateway}, later, true},
		"no network at the moment":              {Status{Verdict: NoRouter}, later, true},
		"a clock that is wrong":                 {at("81.2.69.2", "51820", "a"), start.Add(-time.Hour), false},
		"by hand, elsewhere":                    {Status{Verdict: ByHand, Port: 51820, External: netip.MustParseAddr("81.2.69.9"), Router: Router{ID: "a"}, Gateway: first.Gateway}, later, false},
	} {
		if got := c.status.placed(first, later).Proves(proof, c.now); got != c.proves {
			t.Errorf("%s: proves %v, want %v", name, got, c.proves)
		}
	}
	if (Status{}).Proves(Proof{}, start) {
		t.Error("nothing proves something")
	}
}

func TestARouterThatCountsGivesProofOfIPv6(t *testing.T) {
	now := time.Now()
	open := Status{IPv6: Pinhole{Verdict: Mapped, TrafficAt: now}}
	if p, ok := open.Counted(); !ok || p.Kind != ProofCounter || !p.Six || !p.At.Equal(now) || p.From.IsValid() {
		t.Errorf("%+v, %v", p, ok)
	}
	if _, ok := (Status{IPv6: Pinhole{Verdict: Mapped}}).Counted(); ok {
		t.Error("a router that counted nothing gives proof")
	}
	open.IPv6.Verdict = Refused
	if _, ok := open.Counted(); ok {
		t.Error("a shut firewall gives proof")
	}
}

// Where home is: where the port was open last, also while it is not; before it was, what
// is known of the router; before that nothing.
func TestPlaceIsWhereHomeWasSeenLast(t *testing.T) {
	gateway, wan := netip.MustParseAddr("192.168.1.1"), netip.MustParseAddrPort("81.2.69.2:51820")
	if p, known := (Status{Port: 5}).Place(); known {
		t.Errorf("at the start: %+v", p)
	}
	shut := Status{Verdict: NoIGD, Port: 51820, Gateway: Gateway{Addr: gateway}, Router: Router{ID: "a"}}
	if p, known := shut.Place(); !known || p != (Place{Port: 51820, Gateway: gateway, Router: "a"}) {
		t.Errorf("shut: %+v, %v", p, known)
	}
	open := Status{Verdict: Mapped, Port: 51820, External: wan.Addr(), Mapping: &Mapping{External: wan}, Gateway: shut.Gateway, Router: shut.Router}.placed(Status{}, time.Now())
	want := Place{wan.Addr(), wan.Port(), gateway, "a"}
	if p, known := open.Place(); !known || p != want {
		t.Errorf("open: %+v, %v", p, known)
	}
	if p, known := shut.placed(open, time.Now()).Place(); !known || p != want {
		t.Errorf("shut again: %+v, %v", p, known)
	}
}
