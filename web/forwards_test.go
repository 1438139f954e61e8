package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"homeward/web/api"
)

// fakeForwards are rules in memory.
type fakeForwards struct{ list []api.Forward }

func (f *fakeForwards) Forwards() []api.Forward { return f.list }

func (f *fakeForwards) OpenForward(_ context.Context, n api.NewForward) (api.Forward, error) {
	switch n.Machine {
	case "10.0.0.1":
		return api.Forward{}, &api.Failure{Status: http.StatusBadRequest, Field: "machine", Err: errors.New("machine 10.0.0.1 is not in the house's network")}
	case "full":
		return api.Forward{}, &api.Failure{Status: http.StatusConflict, Err: errors.New("there are as many rules as routers can bear")}
	}
	r := api.Forward{ID: int64(len(f.list) + 1), Name: n.Name, Protocol: n.Protocol, External: n.External, Last: max(n.Last, n.External), Machine: n.Machine, Internal: n.Internal,
		Enabled: true, State: "refused", Problem: "The router's <secure> mode.", Risk: "danger", Findings: []api.Finding{{Level: "danger", Reason: "Remote desktop.", Advice: "Don't."}}}
	f.list = append(f.list, r)
	return r, nil
}

func (f *fakeForwards) SwitchForward(_ context.Context, id int64, on bool) (api.Forward, error) {
	for i := range f.list {
		if f.list[i].ID == id {
			f.list[i].Enabled, f.list[i].State = on, map[bool]string{true: "open", false: "off"}[on]
			return f.list[i], nil
		}
	}
	return api.Forward{}, &api.Failure{Status: http.StatusNotFound, Err: errors.New("there is no such rule")}
}

func (f *fakeForwards) RemoveForward(_ context.Context, id int64) error {
	n := len(f.list)
	f.list = slices.DeleteFunc(f.list, func(r api.Forward) bool { return r.ID == id })
	if len(f.list) == n {
		return &api.Failure{Status: http.StatusNotFound, Err: errors.New("there is no such rule")}
	}
	return nil
}

func TestAPortIsKeptOpenOnThePage(t *testing.T) {
	w, c, _ := withRouter(t)
	form := url.Values{"name": {"<b>PC</b>"}, "protocol": {"TCP"}, "external": {"3389"}, "last": {"3391"}, "machine": {"192.168.1.23"}, "internal": {""}}
	got := w.post(c, "/forwards", form)
	if got.status != 303 || got.header.Get("Location") != "/ports" {
		t.Fatalf("%d to %q\n%s", got.status, got.header.Get("Location"), got.body)
	}
	page := w.get(c, "/ports").body
	for _, part := range []string{"&lt;b&gt;PC&lt;/b&gt;", "TCP 3389–3391 leads to 192.168.1.23", "The router&#39;s &lt;secure&gt; mode.", `action="/forwards/1/disable"`, `action="/forwards/1/remove"`} {
		if !strings.Contains(page, part) {
			t.Errorf("%q is not on the page:\n%s", part, page)
		}
	}
	w.wantStatus("switching off", w.post(c, "/forwards/1/disable", nil), 303)
	if page := w.get(c, "/ports").body; !strings.Contains(page, `action="/forwards/1/enable"`) {
		t.Errorf("still on:\n%s", page)
	}
	if strings.Contains(page, "Remote desktop.") {
		t.Error("a port that isn't open is said to be a risk")
	}
	w.wantStatus("switching on", w.post(c, "/forwards/1/enable", nil), 303)
	if page := w.get(c, "/ports").body; !strings.Contains(page, "Remote desktop. <span") {
		t.Errorf("the risk of an open port is not told:\n%s", page)
	}
	w.wantStatus("removing", w.post(c, "/forwards/1/remove", nil), 303)
	w.wantStatus("removing again", w.post(c, "/forwards/1/remove", nil), 404)
	w.wantStatus("nonsense", w.post(c, "/forwards/x/remove", nil), 404)
}

func TestNothingTypedIsLostWhenAPortCannotBeOpened(t *testing.T) {
	w, c, r := withRouter(t)
	for _, c2 := range []struct {
		field, value string
		status       int
		says         string
	}{
		{"external", "99999", 400, `id="forward-external-problem">This must be a port`},
		{"external", "", 400, `id="forward-external-problem">This must be a port`},
		{"last", "x", 400, `id="forward-last-problem">This must be a port`},
		{"internal", "0", 400, `id="forward-internal-problem">This must be a port`},
		{"machine", "10.0.0.1", 400, `id="forward-machine-problem">Machine 10.0.0.1 is not in the house&#39;s network.`},
		{"machine", "full", 409, `role="alert">There are as many rules as routers can bear.`},
	} {
		form := url.Values{"name": {"My web"}, "protocol": {"UDP"}, "external": {"8443"}, "last": {""}, "machine": {"192.168.1.23"}, "internal": {"443"}}
		form.Set(c2.field, c2.value)
		got := w.post(c, "/forwards", form)
		if got.status != c2.status || !strings.Contains(got.body, c2.says) {
			t.Errorf("%s %q: %d, %q is missing in\n%s", c2.field, c2.value, got.status, c2.says, got.body)
		}
		for _, kept := range []string{`value="My web"`, "<option selected>UDP", "<details open>", "TCP 3389"} {
			if !strings.Contains(got.body, kept) {
				t.Errorf("%s %q: %q is lost", c2.field, c2.value, kept)
			}
		}
	}
	r.failure = &api.Failure{Status: 409, Err: errors.New("the router does not tell")}
	if got := w.get(c, "/ports"); !strings.Contains(got.body, "Open another port") {
		t.Error("without a table nothing can be opened")
	}
}
