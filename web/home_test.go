package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestFromNothingToACode(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	first := w.get(c, "/")
	w.wantStatus("the first page", first, 200)
	for _, want := range []string{"No device may come in yet", "&lt;i&gt;No&lt;/i&gt; router.", "Plug it in.", "does not work"} {
		if !strings.Contains(first.body, want) {
			t.Errorf("the first page lacks %q", want)
		}
	}
	made := w.post(c, "/peers", url.Values{"name": {"Anna's phone"}, "profile": {"home"}})
	w.wantStatus("adding", made, 303)
	page := w.get(c, made.header.Get("Location"))
	w.wantStatus("its page", page, 200)
	for _, want := range []string{"Anna&#39;s phone", `src="/api/v1/peers/1/qr.png"`, "Has not been here yet", "forgotten here at", "At home, switch the tunnel off"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the device's page lacks %q", want)
		}
	}
	code := w.get(c, "/api/v1/peers/1/qr.png")
	if code.header.Get("Content-Type") != "image/png" || !strings.HasPrefix(code.body, "\x89PNG") || code.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the code: %d %v", code.status, code.header)
	}
	if file := w.get(c, "/api/v1/peers/1/config"); !strings.Contains(file.body, "PrivateKey") || !strings.Contains(file.header.Get("Content-Disposition"), `filename="`) {
		t.Errorf("the file: %d %v", file.status, file.header)
	}
}

func TestNothingTypedIsLostOnAFailedSubmit(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("tablet")
	for name, tt := range map[string]struct {
		typed, says string
		status      int
	}{
		"empty":     {"", "name", 400},
		"too long":  {strings.Repeat("x", 200), "64", 400},
		"a newline": {"a\nb", "control", 400},
		"taken":     {"TABLET", "name", 400},
	} {
		r := w.post(c, "/peers", url.Values{"name": {tt.typed}, "profile": {"everything"}})
		w.wantStatus(name, r, tt.status)
		if !strings.Contains(r.body, `id="name-problem"`) || !strings.Contains(r.body, tt.says) || !strings.Contains(r.body, `aria-invalid="true"`) {
			t.Errorf("%s: no word beside the field:\n%s", name, around(r.body, "name-problem"))
		}
		if !regexp.MustCompile(`value="everything" checked`).MatchString(r.body) {
			t.Errorf("%s: the choice is lost", name)
		}
		if tt.typed == "TABLET" && !strings.Contains(r.body, `value="TABLET"`) {
			t.Errorf("%s: the name is lost", name)
		}
	}
	if n := len(w.peers.List()); n != 1 {
		t.Errorf("%d devices, want 1", n)
	}
}

func TestWithoutAnAddressOfHomeThePageSaysWhatToDo(t *testing.T) {
	w := newWorldWith(t, nil)
	c := w.owner()
	r := w.post(c, "/peers", url.Values{"name": {"phone"}, "profile": {"home"}})
	w.wantStatus("adding", r, 409)
	if !strings.Contains(r.body, `role="alert"`) || !strings.Contains(r.body, "say in the settings where home is") || !strings.Contains(r.body, `value="phone"`) {
		t.Errorf("it says: %s", around(r.body, `role="alert"`))
	}
}
