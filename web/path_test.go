package web

import (
	"strings"
	"testing"
	"time"

	"homeward/web/api"
	"homeward/web/languages"
)

func joints(states ...string) []api.Joint {
	var list []api.Joint
	for i, key := range []string{"device", "router", "port", "ipv6", "address", "outside", "home"} {
		state := map[byte]api.JointState{'w': api.JointWorking, '?': api.JointUnknown, '!': api.JointAttention, 'x': api.JointFailed}[states[0][i]]
		list = append(list, api.Joint{Key: key, Title: key, State: state, Summary: "summary of " + key, Advice: "advice of " + key})
	}
	return list
}

func TestThePictureShowsTheWorstOfEachPart(t *testing.T) {
	for _, c := range []struct{ joints, want string }{ // internet, in, router, through, box, on, lan
		{"wwwwwww", "wwwwwww"},
		{"www?w?w", "??wwwww"}, // green is only what was observed
		{"wwxww?x", "??wxwxx"},
		{"w!x?x??", "?x!xw??"},
		{"xwwww!w", "!!wwxww"},
	} {
		var got strings.Builder
		for _, p := range partsOf(english(t), joints(c.joints)) {
			got.WriteString(map[string]string{"working": "w", "unknown": "?", "attention": "!", "failed": "x"}[p.State])
		}
		if got.String() != c.want {
			t.Errorf("%s: drawn as %s, want %s", c.joints, got.String(), c.want)
		}
	}
	for _, p := range partsOf(english(t), nil) {
		if (p.Key == "router" || p.Key == "through") && p.State != "unknown" {
			t.Errorf("%s without joints: %s", p.Key, p.State)
		}
	}
}

func TestTheWorstJointIsExplainedWithOneThingToDo(t *testing.T) {
	for _, c := range []struct{ joints, device, about, link string }{
		{"wwwwwww", "/peers/1", "", ""},
		{"www?www", "/peers/1", "", ""},
		{"wwwww??", "/peers/1", "outside", "/peers/1/test"},
		{"wwwww??", "", "outside", "#add"},
		{"w!xwx??", "", "port", "/guide"},
		{"w!?ww??", "", "router", "/guide"},
		{"w??w???", "", "router", ""},
		{"x?????!", "", "device", ""},
		{"wwwwww!", "/peers/1", "home", ""},
	} {
		got := worstOf(english(t), joints(c.joints), c.device)
		if c.about == "" {
			if got.State != "working" || got.Cure != "" || got.Link != "" {
				t.Errorf("%s: %+v", c.joints, got)
			}
			continue
		}
		if !strings.HasPrefix(got.Text, english(t).Code("path.joint", c.about)+": summary of "+c.about) || got.Cure != "advice of "+c.about || got.Link != c.link || (got.Label == "") != (c.link == "") {
			t.Errorf("%s: %+v, want of %s, with %q", c.joints, got, c.about, c.link)
		}
	}
}

func TestSinceWhenAJointIsAsItIs(t *testing.T) {
	now := time.Date(2026, 11, 23, 20, 0, 0, 0, time.Local)
	for want, at := range map[string]time.Time{
		"": {}, "since 19:30": now.Add(-30 * time.Minute), "since 21 November 2026": now.Add(-48 * time.Hour),
	} {
		if got := sinceWhen(english(t), at, now); got != want {
			t.Errorf("%v: %q, want %q", at, got, want)
		}
	}
}

func TestThePasswordLeadsToTheCheckAndTheFirstPhone(t *testing.T) {
	w := newWorld(t)
	c := w.owner() // which looks where it leads
	got := w.get(c, "/welcome")
	for _, want := range []string{"Is the way home open?", `data-joint="router"`, "Plug it in.", `name="name"`, "Make its code"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("%d, without %q:\n%s", got.status, want, got.body)
		}
	}
	home := w.get(c, "/")
	for _, want := range []string{"by another address or port than some devices know, and nobody has come in since. Make new codes", `data-part="router" data-state="failed"`, `data-part="through" data-state="unknown"`, "Router: &lt;i&gt;No&lt;/i&gt; router.", `href="/guide"`} {
		if !strings.Contains(home.body, want) {
			t.Errorf("the first page is without %q:\n%s", want, home.body)
		}
	}
}

// english says the page's texts.
func english(t *testing.T) *languages.Language {
	t.Helper()
	all := languages.Load()
	l, ok := all.Find("en")
	if !ok {
		t.Fatal("there is no English")
	}
	return l
}

func TestAJointSpeaksTheReadersLanguage(t *testing.T) {
	all := languages.Load()
	german, _ := all.Find("de")
	j := api.Joint{Key: "outside", State: api.JointUnknown, Summary: "No device…", Advice: "A router's own advice.", Says: []api.Saying{{Code: "outside_nobody"}}}
	if got := jointOf(german, j, time.Now()); got.Summary != "Noch ist kein Gerät von außen hereingekommen." || got.Advice != j.Advice {
		t.Errorf("%+v", got)
	}
	if got := worstOf(german, []api.Joint{j}, ""); got.Text != "Außen: Noch ist kein Gerät von außen hereingekommen." || got.Label != "Ein Gerät hinzufügen" {
		t.Errorf("%+v", got)
	}
}
