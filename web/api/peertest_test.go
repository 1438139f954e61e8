package api

import (
	"strings"
	"testing"
	"time"

	"homeward/peers"
)

// fakeTests have one device knock and be lost.
type fakeTests struct{ begun int }

func (f *fakeTests) BeginTest(peers.Peer) { f.begun++ }
func (f *fakeTests) Test(peers.Peer) PeerTest {
	return PeerTest{Began: time.Unix(int64(f.begun), 0), State: TestFailed, Stopped: "known", Cause: "code_removed", Name: "Bert's phone",
		Steps: []TestStep{{Stage: "reach", State: TestPassed}, {Stage: "known", State: TestFailed}}}
}

func TestADevicesTestIsTold(t *testing.T) {
	w := newWorld(t, &peers.Endpoint{Host: "home.example.org", Port: 51820, Source: peers.EndpointOperator})
	i, err := w.client.AddPeer(t.Context(), NewPeer{Name: "phone"})
	if err != nil {
		t.Fatal(err)
	}
	for n, ask := range []func() (PeerTest, error){
		func() (PeerTest, error) { return w.client.Test(t.Context(), i.Peer.ID) },
		func() (PeerTest, error) { return w.client.BeginTest(t.Context(), i.Peer.ID) },
	} {
		got, err := ask()
		if err != nil || got.Began.Unix() != int64(n) || got.State != TestFailed || got.Stopped != "known" || !strings.Contains(got.Text, "“Bert's phone”") || got.Cure == "" {
			t.Errorf("%+v, %v", got, err)
		}
		if got.Steps[0].Text == "" {
			t.Errorf("a stage has no name: %+v", got.Steps)
		}
	}
	if _, err := w.client.Test(t.Context(), 99); err == nil || !strings.Contains(err.Error(), "99") {
		t.Errorf("of no device: %v", err)
	}
}

func TestATestSaysWhatItWaitsFor(t *testing.T) {
	steps := func(lit ...string) []TestStep {
		list := []TestStep{{Stage: "reach"}, {Stage: "outside"}, {Stage: "answer"}}
		for i := range list {
			list[i].State = TestWaiting
			for _, l := range lit {
				if list[i].Stage == l {
					list[i].State = TestPassed
				}
			}
		}
		return list
	}
	for want, s := range map[string][]TestStep{"Nothing has come": steps(), "It knocks": steps("reach"), "It is connected": steps("reach", "outside", "answer")} {
		if got := (PeerTest{State: TestWaiting, Steps: s}).Told(); !strings.HasPrefix(got.Text, want) || got.Cure != "" {
			t.Errorf("%+v: want %q", got, want)
		}
	}
	if got := (PeerTest{State: TestFailed, Cause: "port_shut", Router: "Switch UPnP on."}).Told(); !strings.HasSuffix(got.Cure, "Switch UPnP on.") {
		t.Errorf("without the router's advice: %q", got.Cure)
	}
}
