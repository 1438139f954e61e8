package peers_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"homeward/peers"
	"homeward/peers/peerstest"
)

func TestEveryFieldIsEditedAndSurvivesARestart(t *testing.T) {
	db, dev := openDB(t), peerstest.NewDevice()
	m := newManager(t, db, dev)
	p := create(t, m, "anna")
	end := time.Now().Add(time.Hour)
	changed, err := m.Edit(t.Context(), p.ID, p.Version, peers.Change{
		Name: new("  Bert's tablet "), Kind: new(peers.KindTablet), Note: new("bought in May\r\nscreen broken"), Profile: new(peers.ProfileEverything),
		Access: new(peers.AccessInternet), DNS: new(false), Routes: new(peers.Routes("10.8.1.7/16 192.168.1.20,10.8.0.0/16")), Resolvers: new(peers.Resolvers("192.168.1.1; 9.9.9.9")), Keepalive: new(time.Minute), Expires: &end, IdleDays: new(30),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := p
	want.Name, want.Kind, want.Note, want.Profile, want.Access = "Bert's tablet", peers.KindTablet, "bought in May\nscreen broken", peers.ProfileEverything, peers.AccessInternet
	want.Routes, want.Resolvers = "10.8.0.0/16, 192.168.1.20/32", "192.168.1.1, 9.9.9.9"
	want.DNS, want.Keepalive, want.Expires, want.IdleDays, want.Version = false, time.Minute, time.Unix(end.Unix(), 0).UTC(), 30, p.Version+1
	want.NeedsCode = []peers.Reason{peers.ReasonDNS, peers.ReasonProfile, peers.ReasonKeepalive}
	for what, got := range map[string]peers.Peer{"returned": changed, "after a restart": mustGet(t, newManager(t, db, dev), p.ID)} {
		got.State, want.State = "", ""
		if peers.Public(got) != peers.Public(want) {
			t.Errorf("%s:\n%s\nwant:\n%s", what, peers.Public(got), peers.Public(want))
		}
	}
	if d := dev.Peers(); len(d) != 1 || d[0].Access != peers.AccessInternet {
		t.Errorf("the device has %+v", d)
	}
	same, err := m.Edit(t.Context(), p.ID, changed.Version, peers.Change{Name: new("Bert's tablet"), IdleDays: new(30)})
	if err != nil || same.Version != changed.Version {
		t.Errorf("no change made version %d of %d (%v)", same.Version, changed.Version, err)
	}
	again, err := m.Rotate(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	text, err := again.Client.Text()
	if err != nil || bytes.Contains(text, []byte("DNS")) || !bytes.Contains(text, []byte("PersistentKeepalive = 60\n")) || !bytes.Contains(text, []byte("AllowedIPs = 10.8.0.0/16, 192.168.1.20/32\n")) {
		t.Errorf("the new code does not follow (%v)", err)
	}
}

func mustGet(t *testing.T, m *peers.Manager, id peers.ID) peers.Peer {
	t.Helper()
	p, err := m.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnEditOfWhatIsNoLongerSoIsAConflict(t *testing.T) {
	db := openDB(t)
	m, other := newManager(t, db, peerstest.NewDevice()), (*peers.Manager)(nil)
	p := create(t, m, "anna")
	other = newManager(t, db, peerstest.NewDevice()) // whose memory does not hear of the changes that follow
	if _, err := m.Edit(t.Context(), p.ID, p.Version, peers.Change{Note: new("first")}); err != nil {
		t.Fatal(err)
	}
	for what, m := range map[string]*peers.Manager{"the same manager": m, "only the database": other} {
		if _, err := m.Edit(t.Context(), p.ID, p.Version, peers.Change{Note: new("second")}); !errors.Is(err, peers.ErrConflict) {
			t.Errorf("%s: %v, want ErrConflict", what, err)
		}
		if got := mustGet(t, m, p.ID); got.Note != "first" {
			t.Errorf("%s: the note is %q", what, got.Note)
		}
	}
	if _, err := m.Edit(t.Context(), p.ID, 0, peers.Change{Note: new("third")}); err != nil {
		t.Errorf("any version: %v", err)
	}
}

func TestEditRefusesAndChangesNothing(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	p := create(t, m, "anna")
	create(t, m, "bert")
	for field, changes := range map[string][]peers.Change{
		"name":      {{Name: new("")}, {Name: new("a\nb")}, {Name: new("BERT")}},
		"kind":      {{Kind: new(peers.Kind("toaster"))}},
		"note":      {{Note: new(strings.Repeat("x", 1001))}, {Note: new("a\x1bb")}, {Note: new("a\u202eb")}, {Note: new("\xff")}},
		"profile":   {{Profile: new(peers.Profile("all"))}},
		"access":    {{Access: new(peers.Access("all"))}},
		"keepalive": {{Keepalive: new(-time.Second)}, {Keepalive: new(65536 * time.Second)}, {Keepalive: new(time.Millisecond)}},
		"expires":   {{Expires: new(time.Now())}, {Expires: new(time.Date(10000, 1, 2, 0, 0, 0, 0, time.UTC))}},
		"allowed_ips": {{Routes: new(peers.Routes("home"))}, {Routes: new(peers.Routes("0.0.0.0/0"))}, {Routes: new(peers.Routes("::/0, 10.0.0.0/8"))},
			{Routes: new(peers.Routes("10.0.0.0/8\nPostUp = x"))}, {Routes: new(peers.Routes("::ffff:10.0.0.0/104"))}, {Routes: new(peers.Routes("127.0.0.0/8"))},
			{Routes: new(peers.Routes("fe80::1%eth0"))}, {Routes: new(peers.Routes(manyRoutes(21)))}},
		"resolvers": {{Resolvers: new(peers.Resolvers("dns.example.org"))}, {Resolvers: new(peers.Resolvers("127.0.0.1"))}, {Resolvers: new(peers.Resolvers("::ffff:9.9.9.9"))},
			{Resolvers: new(peers.Resolvers("fe80::1%eth0"))}, {Resolvers: new(peers.Resolvers("1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5"))}},
		"idle_days": {{IdleDays: new(-1)}, {IdleDays: new(3651)}},
	} {
		for i, c := range changes {
			c.Enabled = new(false) // which must not happen either
			_, err := m.Edit(t.Context(), p.ID, 0, c)
			var f *peers.FieldError
			if !errors.As(err, &f) || f.Field != field {
				t.Errorf("%s %d: %v", field, i, err)
			}
		}
	}
	if got := mustGet(t, m, p.ID); peers.Public(got) != peers.Public(p) {
		t.Errorf("changed to %s", peers.Public(got))
	}
	if got, err := m.Edit(t.Context(), p.ID, 0, peers.Change{Name: new("ANNA")}); err != nil || got.Name != "ANNA" {
		t.Errorf("its own name in capitals: %v, %v", got.Name, err)
	}
	if _, err := m.Edit(t.Context(), 77, 0, peers.Change{}); !errors.Is(err, peers.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestPairsOfProfileAndAccessThatReachLittleAreHinted(t *testing.T) {
	for _, c := range []struct {
		profile peers.Profile
		access  peers.Access
		want    string
	}{
		{peers.ProfileHome, peers.AccessInternet, "[reaches_nothing]"}, {peers.ProfileEverything, peers.AccessHome, "[no_internet]"},
		{peers.ProfileHome, peers.AccessHome, "[]"}, {peers.ProfileHome, peers.AccessEverything, "[]"},
		{peers.ProfileEverything, peers.AccessEverything, "[]"}, {peers.ProfileEverything, peers.AccessInternet, "[]"},
	} {
		if got := fmt.Sprint(peers.Peer{Profile: c.profile, Access: c.access}.Hints()); got != c.want {
			t.Errorf("%s through home with access to %s: %s, want %s", c.profile, c.access, got, c.want)
		}
	}
}
