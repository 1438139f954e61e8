package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"homeward/peers"
	"homeward/web/api"
	"homeward/web/languages"
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
func (s *Server) testOf(l *languages.Language, p peers.Peer) *testView {
	t := s.cfg.Tests.Test(p)
	v := &testView{ID: int64(p.ID), State: string(t.State)}
	v.Text, v.Cure = testSays(l, t)
	for _, step := range t.Steps {
		state := map[api.TestState]api.JointState{api.TestWaiting: api.JointUnknown, api.TestPassed: api.JointWorking, api.TestFailed: api.JointFailed}[step.State]
		v.Steps = append(v.Steps, stepView{step.Stage, string(state), l.Code("test.stage", step.Stage), l.Code("test.state", string(step.State))})
	}
	return v
}

// testSays is what a test says in words, and what to do. What the router's own
// advice is comes from elsewhere.
func testSays(l *languages.Language, t api.PeerTest) (text, cure string) {
	if t.State != api.TestFailed {
		return l.Code("test.says", t.Waits()), ""
	}
	text = l.Code("test.cause", t.Cause, "Name", t.Name, "Reason", t.Reason)
	cure = l.Code("test.cure", t.Cause)
	if t.Router != "" {
		cure += " " + l.Plain(t.Router)
	}
	return text, cure
}

func (s *Server) showTest(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	l := s.language(r)
	s.render(w, r, http.StatusOK, "test.html", testPage{s.layout(r, l.T("test.title", "Name", p.Name)), peerOf(l, p, time.Now()), s.testOf(l, p)})
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
func (s *Server) news(l *languages.Language, now time.Time, query url.Values, tested peers.ID, speeds *rates) view {
	v := s.view(l, now, query)
	for i, p := range v.list {
		v.Peers[i].Rate = speeds.of(l, p, now)
	}
	speeds.next(v.list, now)
	if p, err := s.cfg.Peers.Get(tested); err == nil {
		v.Test = s.testOf(l, p)
	}
	return v
}
