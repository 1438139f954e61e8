package web

import (
	"context"
	"net/url"
	"testing"

	"homeward/peers"
	"homeward/web/api"
)

// asking remembers who asked for a device.
type asking struct {
	api.Peers
	who *string
}

func (a asking) Create(ctx context.Context, n peers.NewPeer) (peers.Issued, error) {
	*a.who = CallerName(ctx)
	return a.Peers.Create(ctx, n)
}

func TestWhatSomebodyDoesHasTheirName(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	users, err := w.account.Users(t.Context())
	if err != nil || len(users) != 1 || users[0].Name == "" {
		t.Fatalf("%+v, %v", users, err)
	}
	who := ""
	w.page.cfg.Peers = asking{w.peers, &who}
	w.wantStatus("adding", w.post(c, "/peers", url.Values{"name": {"phone"}, "profile": {"home"}}), 303)
	if who != users[0].Name {
		t.Errorf("%q added it, not %q", who, users[0].Name)
	}
	if name := CallerName(t.Context()); name != "" {
		t.Errorf("nobody is called %q", name)
	}
}
