package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"homeward/peers"
	"homeward/web/api"
)

// fakeTunnel moves anywhere but to "bad".
type fakeTunnel struct {
	devices int
	clash   *api.Clash
	nowhere bool // nothing can be proposed
	moved   []string
}

func (f *fakeTunnel) Renumber(_ context.Context, in api.RenumberWanted) (api.Renumbered, error) {
	switch {
	case in.Network == "bad":
		return api.Renumbered{}, peers.NewFieldError("network", "the tunnel has %v already", "10.6.0.0/24")
	case in.Network == "" && f.nowhere:
		return api.Renumbered{}, &api.Failure{Status: http.StatusConflict, Field: "network", Err: errors.New("choose one yourself")}
	case in.Network == "":
		in.Network = "10.77.3.0/24"
	}
	done := api.Renumbered{Clash: f.clash, From: []string{"10.6.0.0/24"}, To: []string{in.Network}, Told: []string{"The DNS server 10.6.0.9 is in the tunnel's old network: set resolvers anew."}}
	for i := range f.devices {
		done.Devices = append(done.Devices, api.RenumberedDevice{ID: int64(i + 1), Name: fmt.Sprintf("<device %d>", i+1), From: []string{"10.6.0.2"}, To: []string{"10.77.3.2"}})
	}
	if !in.DryRun {
		f.moved = append(f.moved, in.Network)
	}
	return done, nil
}

func TestTheTunnelGetsAnotherNetworkByOneAction(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.tunnel = fakeTunnel{devices: 52, clash: &api.Clash{Tunnel: "10.6.0.0/24", Taken: "10.6.0.0/16"}}
	page := w.get(c, "/renumber")
	w.wantStatus("asking", page, 200)
	for _, want := range []string{"10.6.0.0/16", "All 52 devices", `value="10.77.3.0/24"`, "&lt;device 50&gt;", "and 2 more devices", "10.77.3.2", "The DNS server 10.6.0.9"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.body, "device 51") || len(w.tunnel.moved) != 0 {
		t.Errorf("it lists all, or has moved: %v", w.tunnel.moved)
	}
	done := w.post(c, "/renumber", url.Values{"network": {" 10.77.3.0/24 "}})
	w.wantStatus("doing", done, 200)
	if len(w.tunnel.moved) != 1 || w.tunnel.moved[0] != "10.77.3.0/24" || !strings.Contains(done.body, "52 devices need a new code") || !strings.Contains(done.body, `href="/"`) {
		t.Errorf("moved %v, said %.900s", w.tunnel.moved, done.body)
	}
}

func TestAChosenNetworkThatCannotBeIsSaidBesideIt(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	page := w.post(c, "/renumber", url.Values{"network": {"bad"}})
	w.wantStatus("a bad one", page, 400)
	for _, want := range []string{`value="bad"`, "The tunnel has 10.6.0.0/24 already.", `aria-invalid="true"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q: %s", want, page.body)
		}
	}
	w.tunnel.nowhere = true
	page = w.get(c, "/renumber")
	w.wantStatus("nothing is free", page, 200)
	if !strings.Contains(page.body, "Choose one yourself.") {
		t.Errorf("it does not ask for a network: %s", page.body)
	}
	if len(w.tunnel.moved) != 0 {
		t.Errorf("moved to %v", w.tunnel.moved)
	}
}

func TestAClashOnTheWayHomeLeadsToTheAction(t *testing.T) {
	l := english(t)
	joints := []api.Joint{
		{Key: "network", State: api.JointFailed, Summary: "taken", Advice: "move"}, {Key: "device", State: api.JointWorking},
		{Key: "router", State: api.JointFailed, Summary: "gone"},
	}
	if worst := worstOf(l, joints, ""); worst.Link != "/renumber" || worst.Label == "" || worst.key != "network" {
		t.Errorf("the worst is %+v", worst)
	}
	state := func(joints []api.Joint) string {
		for _, p := range partsOf(l, joints) {
			if p.Key == "box" {
				return p.State
			}
		}
		return ""
	}
	if with, without := state(joints), state(joints[1:]); with != "failed" || without != "working" {
		t.Errorf("homeward is %q with a clash and %q without", with, without)
	}
}
