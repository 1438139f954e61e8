package web

import (
	"slices"
	"time"

	"homeward/web/api"
	"homeward/web/languages"
)

// partView is one part of the picture of the way home.
type partView struct {
	Key   string `json:"key"`
	Title string `json:"-"` // of a place; a way between two has none
	State string `json:"state"`
}

// worstView is what stands in the way most, in words, with one thing to do.
type worstView struct {
	State string `json:"state"`
	Text  string `json:"text"`
	Cure  string `json:"cure"`
	Link  string `json:"link"` // where something can be done; may be empty
	Label string `json:"label"`
	key   string // of the joint; empty when all is well
}

// parts is the path from the internet to the LAN, from one place to the next.
var parts = []struct {
	key, title string   // of a place, a key of the texts or homeward itself; a way between two has none
	joints     []string // the worst of them is the part's state
}{
	{"internet", "path.internet", []string{"outside"}},
	{"in", "", []string{"address", "outside"}},
	{"router", "path.router", []string{"router"}},
	{"through", "", []string{"port"}},
	{"box", "homeward", []string{"device", "network"}},
	{"on", "", []string{"home"}},
	{"lan", "path.lan", []string{"home"}},
}

// rank orders states: the worst last.
var rank = []api.JointState{api.JointWorking, api.JointUnknown, api.JointAttention, api.JointFailed}

func worse(a, b api.JointState) bool { return slices.Index(rank, a) > slices.Index(rank, b) }

// absent are joints that are there only when something is wrong.
var absent = []string{"network"}

// partsOf draws the path. Any other joint that is not there is not known.
func partsOf(l *languages.Language, joints []api.Joint) []partView {
	var list []partView
	for _, p := range parts {
		state := api.JointWorking
		for _, key := range p.joints {
			is := api.JointUnknown
			if i := slices.IndexFunc(joints, func(j api.Joint) bool { return j.Key == key }); i >= 0 {
				is = joints[i].State
			}
			if is == api.JointUnknown && slices.Contains(absent, key) {
				continue
			}
			if worse(is, state) {
				state = is
			}
		}
		title := p.title
		if title != "" && title != "homeward" {
			title = l.T(title)
		}
		list = append(list, partView{p.key, title, string(state)})
	}
	return list
}

// worstOf explains the worst joint. Of equal ones the first counts: what comes
// later on the list often fails because of it. What is not known of IPv6 or of
// the way on from here waits for the first device that comes in.
func worstOf(l *languages.Language, joints []api.Joint, device string) worstView {
	var worst api.Joint
	for _, j := range joints {
		waits := j.State == api.JointUnknown && (j.Key == "ipv6" || j.Key == "home")
		if !waits && worse(j.State, worst.State) {
			worst = j
		}
	}
	if worst.State == "" || worst.State == api.JointWorking {
		return worstView{State: string(api.JointWorking), Text: l.T("path.open")}
	}
	w := worstView{key: worst.Key, State: string(worst.State), Text: l.Code("path.joint", worst.Key) + ": " + said(l, worst.Says, worst.Summary), Cure: said(l, worst.Advises, worst.Advice)}
	switch {
	case worst.Key == "outside" && device != "":
		w.Link, w.Label = device+"/test", l.T("path.test_device")
	case worst.Key == "outside":
		w.Link, w.Label = "#add", l.T("path.add_device")
	case worst.Key == "network":
		w.Link, w.Label = "/renumber", l.T("path.renumber")
	case (worst.Key == "router" || worst.Key == "port") && worst.State != api.JointUnknown:
		w.Link, w.Label = "/guide", l.T("path.by_hand")
	}
	return w
}

// sinceWhen says since when a joint is as it is.
func sinceWhen(l *languages.Language, t, now time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case now.Sub(t) < 24*time.Hour:
		return l.T("path.since", "When", l.Clock(t))
	}
	return l.T("path.since", "When", l.Date(t))
}
