package web

import (
	"strings"
	"sync"
	"testing"
	"time"

	"homeward/peers"
	"homeward/web/api"
)

// fakeTests say what they are told.
type fakeTests struct {
	mu    sync.Mutex // guards what follows
	begun int
	lit   string // the stage that is lit
}

func (f *fakeTests) BeginTest(peers.Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun++
}

func (f *fakeTests) Test(peers.Peer) api.PeerTest {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := api.PeerTest{Began: time.Unix(1, 0), State: api.TestWaiting, Steps: []api.TestStep{{Stage: "reach", State: api.TestWaiting}, {Stage: "outside", State: api.TestWaiting}}}
	for i := range t.Steps {
		if t.Steps[i].Stage == f.lit {
			t.Steps[i].State = api.TestPassed
		}
	}
	return t
}

func (f *fakeTests) light(stage string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lit = stage
}

func TestTheTestIsBesideTheCodeAndLiveOnItsPage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("phone")
	for _, path := range []string{"/peers/1", "/peers/1/test"} { // the code is still there
		got := w.get(c, path)
		if got.status != 200 || !strings.Contains(got.body, `data-stage="reach" data-state="unknown"`) || !strings.Contains(got.body, "Nothing has come yet") {
			t.Errorf("%s: %d\n%s", path, got.status, got.body)
		}
	}
	r := w.post(c, "/peers/1/test", nil)
	if r.status != 303 || r.header.Get("Location") != "/peers/1/test" || w.tests.begun != 1 {
		t.Errorf("beginning again: %d to %q, %d begun", r.status, r.header.Get("Location"), w.tests.begun)
	}
	news := w.stream(c, "?test=1")
	first, _ := next(t, news)
	if first.Test == nil || first.Test.ID != 1 || first.Test.Steps[0].State != "unknown" {
		t.Fatalf("first: %+v", first.Test)
	}
	w.tests.light("reach")
	second, _ := next(t, news)
	if second.Test == nil || second.Test.Steps[0].State != "working" || second.Test.Steps[1].State != "unknown" || second.Test.Text == first.Test.Text {
		t.Errorf("when a stage is lit: %+v", second.Test)
	}
	if v, _ := next(t, w.stream(c, "?test=99")); v.Test != nil {
		t.Errorf("of no device: %+v", v.Test)
	}
}
