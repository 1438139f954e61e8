package web

import (
	"net/http"
	"strconv"
	"time"

	"homeward/peers"
	"homeward/web/api"
)

// testView is a device's test in words.
type testView struct {
	ID    int64      `json:"id"`
	State string     `json:"state"`
	Text  string     `json:"text"`
	Cure  string     `json:"cure"`
	Steps []stepView `json:"steps"`
}

// stepView is one stage of a test.
type stepView struct {
	Stage   string `json:"stage"`
	State   string `json:"state"` // as a joint's, which look the same
	Text    string `json:"-"`
	Verdict string `json:"verdict"`
}

// testPage is a device's test by itself.
type testPage struct {
	layout
	Peer peerView
	Test *testView
}

// testOf is how far p has come since its test began. The first look begins it.
func (s *Server) testOf(p peers.Peer) *testView {
	t := s.cfg.Tests.Test(p).Told()
	v := &testView{ID: int64(p.ID), State: string(t.State), Text: t.Text, Cure: t.Cure}
	for _, step := range t.Steps {
		state, verdict := api.JointUnknown, "not seen yet"
		switch step.State {
		case api.TestPassed:
			state, verdict = api.JointWorking, "seen"
		case api.TestFailed:
			state, verdict = api.JointFailed, "it stops here"
		}
		v.Steps = append(v.Steps, stepView{step.Stage, string(state), step.Text, verdict})
	}
	return v
}

func (s *Server) showTest(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	s.render(w, r, http.StatusOK, "test.html", testPage{s.layout(r, "Test "+string(p.Name)), peerOf(p, time.Now()), s.testOf(p)})
}

func (s *Server) beginTest(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	s.cfg.Tests.BeginTest(p)
	http.Redirect(w, r, peerURL(p.ID)+"/test", http.StatusSeeOther)
}

// testedPeer is the device whose test a live page shows, or 0.
func (s *Server) testedPeer(r *http.Request) peers.ID {
	id, err := strconv.ParseInt(r.URL.Query().Get("test"), 10, 64)
	if err != nil {
		return 0
	}
	return peers.ID(id)
}

// news is the view with the test of one device, if there is such a one.
func (s *Server) news(now time.Time, tested peers.ID) view {
	v := s.view(now)
	if p, err := s.cfg.Peers.Get(tested); err == nil {
		v.Test = s.testOf(p)
	}
	return v
}
