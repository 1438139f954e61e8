package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestThePageSaysHowToOpenThePortByHand(t *testing.T) {
	w, c, _ := withRouter(t)
	got := w.get(c, "/guide")
	w.wantStatus("the guide", got, 200)
	for _, part := range []string{"On FRITZ!Box.", "Internet › Permit Access", "<dt>Port to device</dt><dd class=\"key\">51820</dd>", "“Permit…”", `<option value="fritzbox" selected>`} {
		if !strings.Contains(got.body, part) {
			t.Errorf("%q is not on the page:\n%s", part, got.body)
		}
	}
	if strings.Contains(got.body, `data-joint="router"`) {
		t.Error("a joint that tells nothing about the rule is on the page")
	}
	if got := w.get(c, "/guide?router=nonsense"); got.status != 404 || !strings.Contains(got.body, "no guide") {
		t.Errorf("an unknown router: %d\n%s", got.status, got.body)
	}
	if !strings.Contains(w.get(c, "/").body, `href="/guide"`) {
		t.Error("the first page has no way to the guide")
	}
}

func TestTheOwnerSaysOnThePageThatHeHasEnteredTheRule(t *testing.T) {
	w, c, router := withRouter(t)
	if body := w.get(c, "/guide").body; !strings.Contains(body, `action="/guide/done"`) || !strings.Contains(body, `name="router" value="fritzbox"`) || strings.Contains(body, "/guide/undo") {
		t.Errorf("before:\n%s", body)
	}
	if got := w.post(c, "/guide/done", url.Values{"router": {"nonsense"}}); got.status != http.StatusBadRequest || router.byHand != "" {
		t.Errorf("an unknown router: %d, %q", got.status, router.byHand)
	}
	if got := w.post(c, "/guide/done", url.Values{"router": {"fritzbox"}}); got.status != http.StatusSeeOther || router.byHand != "by hand on fritzbox" {
		t.Errorf("done: %d, %q", got.status, router.byHand)
	}
	if body := w.get(c, "/guide").body; !strings.Contains(body, "Forwarded by hand, as you said, since") || !strings.Contains(body, `action="/guide/undo"`) || strings.Contains(body, "/guide/done") {
		t.Errorf("after:\n%s", body)
	}
	if got := w.post(c, "/guide/undo", nil); got.status != http.StatusSeeOther || router.byHand != "" {
		t.Errorf("undone: %d, %q", got.status, router.byHand)
	}
}
