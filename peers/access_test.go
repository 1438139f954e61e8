package peers_test

import (
	"errors"
	"testing"

	"homeward/peers"
	"homeward/peers/peerstest"
)

func TestAccessIsStoredAndToldToTheDevice(t *testing.T) {
	db, dev := openDB(t), peerstest.NewDevice()
	m := newManager(t, db, dev)
	p := create(t, m, "guest")
	if p.Access != peers.AccessEverything {
		t.Errorf("a new device has access to %q", p.Access)
	}
	changed, err := m.SetAccess(t.Context(), p.ID, peers.AccessInternet)
	if err != nil || changed.Access != peers.AccessInternet || changed.Version != p.Version+1 || changed.State != peers.Active {
		t.Errorf("%+v, %v", changed, err)
	}
	if d := dev.Peers(); len(d) != 1 || d[0].Access != peers.AccessInternet {
		t.Errorf("the device has %+v", d)
	}
	if same, err := m.SetAccess(t.Context(), p.ID, peers.AccessInternet); err != nil || same.Version != changed.Version {
		t.Errorf("the same again: %+v, %v", same, err)
	}
	if again, err := newManager(t, db, dev).Get(p.ID); err != nil || again.Access != peers.AccessInternet {
		t.Errorf("after a restart: %+v, %v", again, err)
	}
	if i, err := m.Create(t.Context(), peers.NewPeer{Name: "tv", Access: peers.AccessHome}); err != nil || i.Peer.Access != peers.AccessHome {
		t.Errorf("%+v, %v", i.Peer, err)
	}
}

func TestAnUnknownAccessIsRefusedAndARefusalOfTheDeviceIsTold(t *testing.T) {
	dev := peerstest.NewDevice()
	m := newManager(t, openDB(t), dev)
	p := create(t, m, "guest")
	var field *peers.FieldError
	if _, err := m.SetAccess(t.Context(), p.ID, "all"); !errors.As(err, &field) || field.Field != "access" {
		t.Errorf("unknown: %v", err)
	}
	if _, err := m.Create(t.Context(), peers.NewPeer{Name: "x", Access: "all"}); !errors.As(err, &field) {
		t.Errorf("unknown at the start: %v", err)
	}
	if _, err := m.SetAccess(t.Context(), 77, peers.AccessHome); !errors.Is(err, peers.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	dev.RefuseNext(errors.New("closed"))
	got, err := m.SetAccess(t.Context(), p.ID, peers.AccessHome)
	if !errors.Is(err, peers.ErrNotApplied) || got.State != peers.Pending {
		t.Errorf("%+v, %v", got, err)
	}
}
