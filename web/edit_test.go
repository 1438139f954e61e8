package web

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"homeward/peers"
)

// editOf is the form for a device as a browser would send it.
func editOf(p peers.Peer, change url.Values) url.Values {
	f := formOf(p)
	v := url.Values{
		"version": {f.Version}, "name": {f.Name}, "kind": {f.Kind}, "note": {f.Note}, "profile": {f.Profile}, "access": {f.Access},
		"expires": {f.Expires}, "idle_days": {f.IdleDays}, "keepalive": {f.Keepalive}, "dns": {"on"}, "allowed_ips": {f.Routes}, "resolvers": {f.Resolvers},
	}
	for k, to := range change {
		v[k] = to
	}
	return v
}

func TestADeviceIsChangedOnThePage(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	p := w.addPeer("phone").Peer
	w.wantStatus("the form", w.get(c, "/peers/1/edit"), 200)
	end := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	r := w.post(c, "/peers/1/edit", editOf(p, url.Values{
		"name": {"Anna's tablet"}, "kind": {"tablet"}, "note": {"from May\r\nscreen <b>broken</b>"}, "profile": {"home"}, "access": {"internet"},
		"expires": {end.Local().Format(formTime)}, "idle_days": {"30"}, "keepalive": {"0"}, "dns": nil,
	}))
	w.wantStatus("saving", r, 303)
	got, err := w.peers.Get(1)
	if err != nil || got.Name != "Anna's tablet" || got.Kind != peers.KindTablet || got.Note != "from May\nscreen <b>broken</b>" ||
		got.Access != peers.AccessInternet || !got.Expires.Equal(end) || got.IdleDays != 30 || got.Keepalive != 0 || got.DNS {
		t.Errorf("%+v, %v", got, err)
	}
	page := w.get(c, "/peers/1").body
	for _, want := range []string{"&lt;b&gt;broken", "30 days without use", "It reaches nothing", "May come in until", "It needs a new code", "<li>the keepalive is another</li>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if home := w.get(c, "/").body; strings.Count(home, "Needs a new code") != 1 {
		t.Error("the list does not say that it needs a new code")
	}
	form := w.get(c, "/peers/1/edit").body
	for _, want := range []string{`value="` + end.Local().Format(formTime) + `"`, `<option value="tablet" selected>tablet</option>`, `value="internet" checked`} {
		if !strings.Contains(form, want) {
			t.Errorf("the form lacks %q", want)
		}
	}
}

// Who knows what AllowedIPs are writes their own; what is wrong is said beside it, and
// the part of the form that is for experts is then open.
func TestExpertsWriteNetworksAndDNSServersOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	p := w.addPeer("work").Peer
	for field, wrong := range map[string]string{"allowed_ips": "0.0.0.0/0", "resolvers": "dns.example.org"} {
		r := w.post(c, "/peers/1/edit", editOf(p, url.Values{field: {wrong}}))
		w.wantStatus(field, r, 400)
		if !regexp.MustCompile(`<details open>`).MatchString(r.body) || !strings.Contains(r.body, `name="`+field+`"`) || strings.Count(r.body, `aria-invalid="true"`) != 1 || !strings.Contains(r.body, wrong) {
			t.Errorf("%s: it is not said beside its field, or what was typed is lost", field)
		}
	}
	w.wantStatus("saving", w.post(c, "/peers/1/edit", editOf(p, url.Values{"allowed_ips": {"192.168.7.20\r\n10.99.0.0/16"}, "resolvers": {"192.168.7.1"}})), 303)
	page := w.get(c, "/peers/1").body
	for _, want := range []string{"<dd>10.99.0.0/16, 192.168.7.20/32</dd>", "<li>other networks go through home</li>", "<li>names are looked up elsewhere</li>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if form := w.get(c, "/peers/1/edit").body; !strings.Contains(form, `>10.99.0.0/16, 192.168.7.20/32</textarea>`) || !strings.Contains(form, `value="192.168.7.1"`) || !strings.Contains(form, "<details open>") {
		t.Error("the form does not show them")
	}
}

func TestTwoAdminsOnOneDeviceLoseNothing(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	p := w.addPeer("phone").Peer
	w.wantStatus("the first one", w.post(c, "/peers/1/edit", editOf(p, url.Values{"note": {"by the first"}})), 303)
	r := w.post(c, "/peers/1/edit", editOf(p, url.Values{"name": {"typed by the second"}}))
	w.wantStatus("the second one", r, 412)
	for _, want := range []string{`role="alert"`, "Somebody else changed", `value="typed by the second"`, "<dd>by the first</dd>", `name="version" value="2"`} {
		if !strings.Contains(r.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if got, _ := w.peers.Get(1); got.Name != "phone" || got.Note != "by the first" {
		t.Errorf("the second one changed it to %+v", got)
	}
	w.wantStatus("no version", w.post(c, "/peers/1/edit", editOf(p, url.Values{"version": {"*"}})), 412)
	again, _ := w.peers.Get(1)
	w.wantStatus("the second one again", w.post(c, "/peers/1/edit", editOf(again, url.Values{"name": {"typed by the second"}})), 303)
}

func TestWhatIsWrongInTheFormIsSaidBesideIt(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	p := w.addPeer("phone").Peer
	w.addPeer("tablet")
	for field, wrong := range map[string]struct{ typed, says string }{
		"name": {"TABLET", "Another device is already called"}, "kind": {"toaster", "is not a kind of device"}, "note": {"a\x1bb", "It contains an invisible control character"},
		"expires": {"soon", "This is not a time"}, "idle_days": {"-1", "-1 days are impossible"}, "keepalive": {"1e9", "This is not a whole number"},
	} {
		typed := wrong.typed
		r := w.post(c, "/peers/1/edit", editOf(p, url.Values{field: {typed}, "note": {"keep me " + map[bool]string{true: typed}[field == "note"]}}))
		w.wantStatus(field, r, 400)
		if !regexp.MustCompile(`<p class="problem" role="alert">[^<]*`+wrong.says).MatchString(r.body) || !strings.Contains(r.body, "keep me") {
			t.Errorf("%s: nothing beside the field, or the rest is lost", field)
		}
	}
	if got, _ := w.peers.Get(1); got.Version != p.Version {
		t.Errorf("it was changed: %+v", got)
	}
	w.wantStatus("adding with nonsense", w.post(c, "/peers", url.Values{"name": {"x"}, "profile": {"all"}}), 400)
}
