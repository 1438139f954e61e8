package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"homeward/peers"
)

func TestAccessIsChosenOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("guest")
	if !regexp.MustCompile(`value="everything" checked`).MatchString(w.get(c, "/peers/1").body) {
		t.Error("the page does not show the present access")
	}
	w.wantStatus("choosing", w.post(c, "/peers/1/access", url.Values{"access": {"internet"}}), 303)
	if p, _ := w.peers.Get(1); p.Access != peers.AccessInternet || w.dev.Peers()[0].Access != peers.AccessInternet {
		t.Errorf("%+v", p)
	}
	w.wantStatus("nonsense", w.post(c, "/peers/1/access", url.Values{"access": {"all"}}), 400)
	if p, _ := w.peers.Get(1); p.Access != peers.AccessInternet {
		t.Errorf("nonsense became %q", p.Access)
	}
}

func TestThingsAreChosenOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.addPeer("guest")
	w.wantStatus("choosing", w.post(c, "/peers/1/access", url.Values{"access": {"nothing"}, "admin": {"yes"}, "things": {"192.168.1.20  TCP/445\r\nbox tcp/631\r\n"}}), 303)
	const want = peers.Access("admin; box tcp/631; 192.168.1.20 tcp/445")
	if p, _ := w.peers.Get(1); p.Access != want || w.dev.Peers()[0].Access != want {
		t.Errorf("%+v", p)
	}
	page := w.get(c, "/peers/1").body
	for _, part := range []string{`value="nothing" checked`, `name="admin" value="yes" checked`, `name="peers" value="yes">`, "box tcp/631\n192.168.1.20 tcp/445</textarea>", "<details open>"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page misses %q", part)
		}
	}
	wrong := w.post(c, "/peers/1/access", url.Values{"access": {"home"}, "peers": {"yes"}, "things": {"192.168.1.21\n<nas> tcp/80"}})
	w.wantStatus("a mistake", wrong, 400)
	for _, part := range []string{"&lt;nas&gt;&#34; is no grant", "192.168.1.21\n&lt;nas&gt; tcp/80</textarea>", `value="home" checked`, `name="peers" value="yes" checked`} {
		if !strings.Contains(wrong.body, part) {
			t.Errorf("after a mistake the page misses %q", part)
		}
	}
	if p, _ := w.peers.Get(1); p.Access != want {
		t.Errorf("a mistake became %q", p.Access)
	}
	w.wantStatus("a simple kind again", w.post(c, "/peers/1/access", url.Values{"access": {"home"}, "things": {""}}), 303)
	if page := w.get(c, "/peers/1").body; strings.Contains(page, "<details open>") {
		t.Error("a simple kind is shown as more")
	}
}
