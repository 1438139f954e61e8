package peers_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"homeward/peers"
	"homeward/peers/peerstest"
)

func TestRecordsGiveTheDeviceTheSamePeers(t *testing.T) {
	dev := peerstest.NewDevice()
	m := newManager(t, openDB(t), dev)
	create(t, m, "anna")
	off := create(t, m, "bert")
	soon := time.Now().Add(time.Hour)
	if _, err := m.Create(t.Context(), peers.NewPeer{Name: "carl", Expires: soon, Access: peers.AccessInternet, Note: "a\nguest"}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.SetEnabled(t.Context(), off.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Rotate(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	text, err := m.Records()
	if err != nil {
		t.Fatal(err)
	}
	r, leftOut, err := peers.ParseRecords(text)
	if err != nil || len(leftOut) > 0 || r.Len() != 3 {
		t.Fatalf("%d records, %v, %v", r.Len(), leftOut, err)
	}
	wanted, end := r.Wanted(time.Now())
	if got, want := form(t, wanted), form(t, dev.Peers()); !bytes.Equal(got, want) || len(wanted) != 3 {
		t.Errorf("wanted\n%s\nwant\n%s", got, want)
	}
	if end.Unix() != soon.Unix() {
		t.Errorf("the first end is %v, want %v", end, soon)
	}
	if after, _ := r.Wanted(soon); len(after) != 2 {
		t.Errorf("%d may come in after carl's time", len(after))
	}
}

// form is what the device is told, with keys.
func form(t *testing.T, list []peers.DevicePeer) []byte {
	t.Helper()
	type plain struct {
		Peer      peers.DevicePeer
		Preshared [32]byte
	}
	var all []plain
	for _, p := range list {
		all = append(all, plain{p, p.PresharedKey.Reveal()})
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestADamagedRecordIsLeftOut(t *testing.T) {
	m := newManager(t, openDB(t), peerstest.NewDevice())
	create(t, m, "anna")
	create(t, m, "bert")
	text, err := m.Records()
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{{`"name":"anna"`, `"name":"a\nb"`}, {`"access":"everything"`, `"access":"all"`}, {`"id":1`, `"id":-1`}} {
		r, leftOut, err := peers.ParseRecords(bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1))
		if err != nil || r.Len() != 1 || len(leftOut) != 1 {
			t.Errorf("%s: %d records, %v, %v", change[1], r.Len(), leftOut, err)
		}
	}
	if _, _, err := peers.ParseRecords([]byte(`{}`)); err == nil {
		t.Error("something else is taken for records")
	}
}

func TestReconcileFollowsWhatIsNewerThanTheDatabase(t *testing.T) {
	older := newManager(t, openDB(t), peerstest.NewDevice())
	newer := newManager(t, openDB(t), peerstest.NewDevice())
	same, removed, changed := create(t, older, "same"), create(t, older, "removed"), create(t, older, "changed")
	text, err := older.Records()
	if err != nil {
		t.Fatal(err)
	}
	start, _, err := peers.ParseRecords(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newer.Reconcile(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	// What the database in the snapshot does not know:
	if err := newer.Remove(t.Context(), removed.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := newer.SetAccess(t.Context(), changed.ID, peers.AccessInternet); err != nil {
		t.Fatal(err)
	}
	added := create(t, newer, "added") // has the removed one's addresses
	if !slices.Equal(added.Addresses, removed.Addresses) {
		t.Fatalf("%v, %v", added.Addresses, removed.Addresses)
	}
	if text, err = newer.Records(); err != nil {
		t.Fatal(err)
	}
	latest, _, err := peers.ParseRecords(text)
	if err != nil {
		t.Fatal(err)
	}
	done, err := older.Reconcile(t.Context(), latest)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(done.Added, []peers.Name{"added"}) || !slices.Equal(done.Changed, []peers.Name{"changed"}) || !slices.Equal(done.Removed, []peers.Name{"removed"}) {
		t.Errorf("done: %+v", done)
	}
	again, err := older.Records()
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("the database says\n%s\nwant\n%s (%v)", again, text, err)
	}
	if p, err := older.Get(same.ID); err != nil || p.PublicKey != same.PublicKey {
		t.Errorf("%+v, %v", p, err)
	}
	if done, err = older.Reconcile(t.Context(), latest); err != nil || len(done.Added)+len(done.Changed)+len(done.Removed) > 0 {
		t.Errorf("a second time: %+v, %v", done, err)
	}
}

// No clock says which of the two is newer.
func TestReconcileLeavesANewerDatabaseAlone(t *testing.T) {
	for what, change := range map[string]func(*peers.Manager) error{
		"added": func(m *peers.Manager) error {
			_, err := m.Create(t.Context(), peers.NewPeer{Name: "later"})
			return err
		},
		"changed": func(m *peers.Manager) error { _, err := m.SetAccess(t.Context(), 1, peers.AccessHome); return err },
		"added and removed": func(m *peers.Manager) error {
			i, err := m.Create(t.Context(), peers.NewPeer{Name: "later"})
			if err == nil {
				err = m.Remove(t.Context(), i.Peer.ID)
			}
			return err
		},
	} {
		m := newManager(t, openDB(t), peerstest.NewDevice())
		create(t, m, "anna")
		text, err := m.Records()
		if err != nil {
			t.Fatal(err)
		}
		older, _, err := peers.ParseRecords(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(m); err != nil {
			t.Fatal(err)
		}
		before, err := m.Records()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Reconcile(t.Context(), older); err != nil {
			t.Fatal(err)
		}
		if after, err := m.Records(); err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the newer database became\n%s, was\n%s (%v)", what, after, before, err)
		}
	}
}
