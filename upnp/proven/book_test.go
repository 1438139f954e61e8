package proven

import (
	"database/sql"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"homeward/configs/state"
	"homeward/upnp"
)

func database(t *testing.T) *sql.DB {
	t.Helper()
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st.DB()
}

func open(t *testing.T, db *sql.DB) *Book {
	t.Helper()
	b, err := New(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func note(t *testing.T, b *Book, place upnp.Place, list ...upnp.Proof) {
	t.Helper()
	if err := b.Note(t.Context(), place, list); err != nil {
		t.Fatal(err)
	}
}

var (
	now  = time.Unix(1_800_000_000, 500_000_000)
	home = upnp.Place{Address: netip.MustParseAddr("81.2.69.2"), Port: 41234, Gateway: netip.MustParseAddr("192.168.1.1"), Router: "uuid:1"}
)

func came(kind upnp.ProofKind, from string, at time.Time) upnp.Proof {
	p := upnp.Proof{Kind: kind, At: at}
	if from != "" {
		p.From = netip.MustParseAddr(from)
		p.Six = p.From.Is6()
	}
	return p
}

func TestWhatProvedTheWayInIsKeptOverARestart(t *testing.T) {
	db := database(t)
	b := open(t, db)
	if got := b.At(home, now); got != nil {
		t.Errorf("at first %+v", got)
	}
	note(t, b, home, came(upnp.ProofHandshake, "198.51.100.7", now), came(upnp.ProofKnock, "2001:db8:1:2::3", now.Add(-time.Hour)), came(upnp.ProofCounter, "", now))
	if got := b.At(home, now); len(got) > 0 {
		t.Errorf("what was seen in this run is told as of an earlier one: %+v", got)
	}
	b = open(t, db)
	got := map[upnp.ProofKind]upnp.Proof{}
	for _, p := range b.At(home, now) {
		got[p.Kind] = p
		if !p.Kept() || p.From.IsValid() {
			t.Errorf("%+v: more is kept than the network", p)
		}
	}
	for kind, want := range map[upnp.ProofKind]struct {
		network string
		six     bool
		at      time.Time
	}{
		upnp.ProofHandshake: {"198.51.100.0/24", false, now.Truncate(time.Second)},
		upnp.ProofKnock:     {"2001:db8:1::/48", true, now.Add(-time.Hour).Truncate(time.Second)},
		upnp.ProofCounter:   {"invalid Prefix", false, now.Truncate(time.Second)},
	} {
		if p := got[kind]; p.Network.String() != want.network || p.Six != want.six || !p.At.Equal(want.at) {
			t.Errorf("%s: %+v", kind, p)
		}
	}
	// What this run sees takes the place of what the earlier one saw.
	note(t, b, home, came(upnp.ProofHandshake, "203.0.113.9", now.Add(time.Minute)))
	if got := b.At(home, now.Add(time.Minute)); len(got) != 2 || got[0].Kind == upnp.ProofHandshake || got[1].Kind == upnp.ProofHandshake {
		t.Errorf("%+v", got)
	}
}

// A proof of an earlier run counts only where home is seen to be where it was.
func TestWhatWasKeptEndsWithTimeAndPlace(t *testing.T) {
	with := func(change func(*upnp.Place)) upnp.Place {
		p := home
		change(&p)
		return p
	}
	for name, tt := range map[string]struct {
		place upnp.Place
		later time.Duration
		keeps bool
	}{
		"the same place":          {home, time.Hour, true},
		"the ID is not told":      {with(func(p *upnp.Place) { p.Router = "" }), time.Hour, true},
		"nearly seven days":       {home, upnp.ProofLasts - time.Minute, true},
		"seven days":              {home, upnp.ProofLasts, false},
		"the clock went back":     {home, -time.Hour, false},
		"another address":         {with(func(p *upnp.Place) { p.Address = netip.MustParseAddr("81.2.69.9") }), time.Hour, false},
		"another port":            {with(func(p *upnp.Place) { p.Port = 5 }), time.Hour, false},
		"another router":          {with(func(p *upnp.Place) { p.Router = "uuid:2" }), time.Hour, false},
		"another gateway":         {with(func(p *upnp.Place) { p.Gateway = netip.MustParseAddr("10.0.0.1") }), time.Hour, false},
		"nothing is told now":     {with(func(p *upnp.Place) { p.Address = netip.Addr{} }), time.Hour, false},
		"nothing is known at all": {upnp.Place{}, time.Hour, false},
	} {
		db := database(t)
		note(t, open(t, db), home, came(upnp.ProofHandshake, "198.51.100.7", now))
		b := open(t, db)
		if got := b.At(tt.place, now.Add(tt.later)); len(got) == 1 != tt.keeps {
			t.Errorf("%s: %+v", name, got)
		}
		// It is forgotten for good only once home is known to be elsewhere.
		note(t, b, tt.place)
		known := tt.place.Same(home) || !tt.place.Address.IsValid()
		if got := open(t, db).At(home, now); len(got) == 1 != known {
			t.Errorf("%s, and back again: %+v", name, got)
		}
	}
}

// Somebody who came in where the router tells no address proves that place.
func TestAPlaceWithoutAnAddressIsKeptOnceSomebodyCameIn(t *testing.T) {
	db := database(t)
	bare := upnp.Place{Port: 41234, Gateway: home.Gateway}
	note(t, open(t, db), home, came(upnp.ProofHandshake, "198.51.100.7", now))
	note(t, open(t, db), bare, came(upnp.ProofKnock, "198.51.100.8", now))
	b := open(t, db)
	if got := b.At(bare, now); len(got) != 1 || got[0].Kind != upnp.ProofKnock || len(b.At(home, now)) != 0 {
		t.Errorf("%+v, %+v", got, b.At(home, now))
	}
}

// Devices prove the way in every two minutes; the disk is written once an hour, and at the end.
func TestProofsAreWrittenSeldom(t *testing.T) {
	db := database(t)
	b := open(t, db)
	stored := func() time.Time {
		t.Helper()
		got := open(t, db).At(home, now)
		if len(got) != 1 {
			t.Fatalf("%+v", got)
		}
		return got[0].At.Local()
	}
	first := now.Add(-3 * time.Hour)
	note(t, b, home, came(upnp.ProofHandshake, "198.51.100.7", first))
	note(t, b, home, came(upnp.ProofHandshake, "198.51.100.7", first.Add(59*time.Minute)))
	if at := stored(); !at.Equal(first.Truncate(time.Second)) {
		t.Errorf("within an hour it is written again: %v", at)
	}
	note(t, b, home, came(upnp.ProofHandshake, "198.51.100.7", first.Add(61*time.Minute)))
	if at := stored(); !at.Equal(first.Add(61 * time.Minute).Truncate(time.Second)) {
		t.Errorf("after an hour: %v", at)
	}
	note(t, b, home, came(upnp.ProofHandshake, "198.51.100.7", first.Add(80*time.Minute)))
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at := stored(); !at.Equal(first.Add(80 * time.Minute).Truncate(time.Second)) {
		t.Errorf("at the end: %v", at)
	}
}

func TestStoredNonsenseProvesNothing(t *testing.T) {
	db := database(t)
	note(t, open(t, db), home, came(upnp.ProofHandshake, "198.51.100.7", now))
	if _, err := db.ExecContext(t.Context(), `INSERT INTO proven (kind, six, at_unix, network) VALUES ('rumour', 0, ?, 'x')`, now.Unix()); err != nil {
		t.Fatal(err)
	}
	if got := open(t, db).At(home, now); len(got) != 1 || got[0].Kind != upnp.ProofHandshake {
		t.Errorf("%+v", got)
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE proven_place SET address = 'nowhere'`); err != nil {
		t.Fatal(err)
	}
	if got := open(t, db).At(home, now); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
