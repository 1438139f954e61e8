package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"homeward/web/api"
)

// fakeRouter is a router's table in memory.
type fakeRouter struct {
	table   api.PortTable
	failure error
	closed  []string
	byHand  string
}

func (r *fakeRouter) ForwardByHand(_ context.Context, router string) error {
	if router == "nonsense" {
		return &api.Failure{Status: http.StatusBadRequest, Err: errors.New("there is no guide for the router \"nonsense\"")}
	}
	r.byHand = "by hand on " + router
	return nil
}

func (r *fakeRouter) AskRouterAgain(context.Context) error {
	r.byHand = ""
	return nil
}

func (r *fakeRouter) Ports(context.Context) (api.PortTable, error) { return r.table, r.failure }

func (r *fakeRouter) ClosePort(_ context.Context, protocol string, external uint16) error {
	if external == 554 {
		return &api.Failure{Status: http.StatusConflict, Err: errors.New("the router refused (UPnP error 606): remove the row “camera” in the router's settings")}
	}
	r.closed = append(r.closed, protocol)
	return nil
}

func (r *fakeRouter) Guide(router string) (api.Guide, error) {
	if router == "nonsense" {
		return api.Guide{}, &api.Failure{Status: http.StatusNotFound, Err: errors.New("there is no guide for the router \"nonsense\"")}
	}
	var since time.Time
	if r.byHand != "" {
		since = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	}
	return api.Guide{ByHand: since, Router: "fritzbox", Name: "FRITZ!Box", Menu: []string{"Internet", "Permit Access"}, Add: "New", Switch: "“Permit…”",
		Values: []api.GuideValue{{Field: "Port to device", Value: "51820"}},
		Others: []api.GuideRouter{{Router: "asus", Name: "ASUS"}, {Router: "fritzbox", Name: "FRITZ!Box"}}}, nil
}

func withRouter(t *testing.T) (*world, *http.Client, *fakeRouter) {
	t.Helper()
	w := newWorld(t)
	r := &fakeRouter{table: api.PortTable{Router: "Box <1>", Complete: true, Ports: []api.Port{
		{Protocol: "UDP", External: 51820, Internal: "192.168.1.5:51820", Enabled: true, Ours: true, Device: "this box", Risk: "fine", Findings: []api.Finding{{Level: "fine", Reason: "Ours.", Advice: "Nothing."}}},
		{Protocol: "TCP", External: 3389, Internal: "192.168.1.23:3389", Enabled: true, Device: "gaming-pc", Description: "<b>PC</b>", Risk: "danger", Findings: []api.Finding{{Level: "danger", Reason: "Remote desktop is open.", Advice: "Close it."}}},
		{Protocol: "TCP", External: 554, Internal: "192.168.1.24:554", Enabled: true, Description: "camera", Risk: "danger", Findings: []api.Finding{{Level: "danger", Reason: "A camera.", Advice: "Close it."}}},
	}}}
	w.page.cfg.Router = r
	return w, w.owner(), r
}

func TestThePageSaysWhatEachOpenPortMeans(t *testing.T) {
	w, c, r := withRouter(t)
	got := w.get(c, "/ports")
	w.wantStatus("the ports", got, 200)
	for _, part := range []string{"Box &lt;1&gt;", "2 dangerous", "TCP 3389", "gaming-pc", "called “&lt;b&gt;PC&lt;/b&gt;”", "Remote desktop is open.", `href="/ports/tcp/3389/close"`} {
		if !strings.Contains(got.body, part) {
			t.Errorf("%q is not on the page:\n%s", part, got.body)
		}
	}
	if strings.Contains(got.body, "/ports/udp/51820/close") {
		t.Error("our own port is offered to be closed")
	}
	if strings.Index(got.body, "TCP 3389") > strings.Index(got.body, "UDP 51820") {
		t.Error("the worst is not the first")
	}
	r.table.Complete = false
	if !strings.Contains(w.get(c, "/ports").body, "has more than these") {
		t.Error("a cut table is not said to be one")
	}
	r.failure = &api.Failure{Status: 409, Err: errors.New("the router does not tell")}
	if got := w.get(c, "/ports"); got.status != 200 || !strings.Contains(got.body, "The router does not tell.") {
		t.Errorf("a router without a table: %d\n%s", got.status, got.body)
	}
	r.failure = errors.New("secret inner matter")
	if got := w.get(c, "/ports"); got.status != 500 || strings.Contains(got.body, "secret") {
		t.Errorf("our own fault: %d\n%s", got.status, got.body)
	}
}

func TestAPortIsClosedAfterAQuestion(t *testing.T) {
	w, c, r := withRouter(t)
	ask := w.get(c, "/ports/tcp/3389/close")
	if ask.status != 200 || !strings.Contains(ask.body, "Close TCP 3389?") || !strings.Contains(ask.body, "gaming-pc") || len(r.closed) != 0 {
		t.Errorf("the question: %d, closed %v\n%s", ask.status, r.closed, ask.body)
	}
	got := w.post(c, "/ports/tcp/3389/close", nil)
	if got.status != 303 || got.header.Get("Location") != "/ports" || len(r.closed) != 1 {
		t.Errorf("closing: %d to %q, closed %v", got.status, got.header.Get("Location"), r.closed)
	}
	if got := w.post(c, "/ports/tcp/554/close", nil); got.status != 409 || !strings.Contains(got.body, "remove the row “camera”") {
		t.Errorf("a refusal: %d\n%s", got.status, got.body)
	}
	for _, path := range []string{"/ports/udp/3389/close", "/ports/udp/51820/close", "/ports/sctp/1/close", "/ports/tcp/99999/close"} {
		w.wantStatus(path, w.get(c, path), 404)
	}
}
