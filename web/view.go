package web

import (
	"net/url"
	"strings"
	"time"

	"homeward/peers"
	"homeward/web/api"
	"homeward/web/languages"
)

// hereFor is how long after a handshake a device counts as here: WireGuard
// makes another one every two minutes while there is traffic.
const hereFor = 3 * time.Minute

// view is what changes on the pages by itself: once in the template, and then
// again and again as JSON for live.js.
type view struct {
	Reach  string      `json:"reach"` // the verdict in a sentence or two
	Joints []jointView `json:"joints"`
	Parts  []partView  `json:"parts"`
	Worst  worstView   `json:"worst"`
	Peers  []peerView  `json:"peers"`
	List   listed      `json:"-"`
	Test   *testView   `json:"test,omitempty"` // of the device whose page is open

	list []peers.Peer // of which Peers says the words
}

// jointView is a joint of the way home in words.
type jointView struct {
	Key     string `json:"key"`
	Title   string `json:"title"`
	State   string `json:"state"`
	Verdict string `json:"verdict"`
	Summary string `json:"summary"`
	Advice  string `json:"advice"`
	Since   string `json:"since"`
	Worst   bool   `json:"worst"` // it is explained above the list
}

// peerView is a device in words.
type peerView struct {
	ID       int64    `json:"id"`
	Name     string   `json:"-"`
	Profile  string   `json:"-"`
	Access   string   `json:"-"`
	Enabled  bool     `json:"-"`
	Presence string   `json:"presence"` // here, away, new, off or pending
	Seen     string   `json:"seen"`
	Traffic  string   `json:"traffic"`
	Rate     string   `json:"rate"` // on an open page only
	Spark    *spark   `json:"-"`    // in the list only
	Address  string   `json:"-"`
	Key      string   `json:"-"`
	Since    string   `json:"-"`
	Note     string   `json:"-"`
	Kind     string   `json:"-"`
	Ends     string   `json:"-"` // when its time is over, or empty
	Leaves   string   `json:"-"` // at what time it is removed, or empty
	Reach    string   `json:"-"` // what it may reach, in words
	IdleDays int      `json:"-"`
	Routes   string   `json:"-"` // the owner's own, else empty
	Hints    []string `json:"-"`
	Outdated []string `json:"-"` // why it needs a new code
	OwnKey   bool     `json:"-"`
	NewReady bool     `json:"-"` // which has been made and waits
}

// ReachSays is whether the house can be reached, with what the router says that is not
// so, and what to do where that is not said of a joint.
func ReachSays(l *languages.Language, r api.Reachability) (text, advice string) {
	text = l.Code("reach.verdict", r.Verdict)
	advice, _ = l.Find("reach.cure", r.Verdict)
	if r.Verdict != api.RouterLies {
		return text, advice
	}
	for _, lie := range r.Lies {
		text += " " + l.Code("reach.lie", lie.About, "Told", lie.Told, "Seen", lie.Seen, "By", lie.By, "Since", l.DateTime(lie.Since))
	}
	if len(r.Lies) > 0 {
		advice = l.Code("reach.remedy", r.Lies[0].About)
	}
	return text, advice
}

// view has the devices that query asks for; see choose.
func (s *Server) view(l *languages.Language, now time.Time, query url.Values) view {
	v := view{Joints: []jointView{}, Peers: []peerView{}}
	status := s.cfg.Status()
	joints := status.Joints
	text, advice := ReachSays(l, status.Reachability)
	v.Reach = strings.TrimSpace(text + " " + advice)
	for _, j := range joints {
		v.Joints = append(v.Joints, jointOf(l, j, now))
	}
	all := s.cfg.Peers.List()
	v.list, v.List = choose(all, query)
	for _, p := range v.list {
		v.Peers = append(v.Peers, peerOf(l, p, now))
	}
	device := ""
	if len(all) > 0 {
		device = peerURL(all[0].ID)
	}
	v.Parts, v.Worst = partsOf(l, joints), worstOf(l, joints, device)
	for i := range v.Joints {
		v.Joints[i].Worst = v.Joints[i].Key == v.Worst.key
	}
	return v
}

func jointOf(l *languages.Language, j api.Joint, now time.Time) jointView {
	state := string(j.State)
	return jointView{Key: j.Key, Title: l.Code("path.joint", j.Key), State: state, Verdict: l.Code("path.verdict", state), Summary: said(l, j.Says, j.Summary), Advice: said(l, j.Advises, j.Advice), Since: sinceWhen(l, j.Since, now)}
}

// said is a joint's text in a language: as it is, where there are no codes for it.
func said(l *languages.Language, says []api.Saying, text string) string {
	if len(says) == 0 {
		return l.Plain(text)
	}
	var sentences []string
	for _, s := range says {
		sentences = append(sentences, l.Code("way.say", s.Code, s.Pairs...))
	}
	return strings.Join(sentences, " ")
}

func peerOf(l *languages.Language, p peers.Peer, now time.Time) peerView {
	v := peerView{
		ID: int64(p.ID), Name: string(p.Name), Profile: string(p.Profile), Access: string(p.Access), Enabled: p.Enabled,
		Traffic: "↓ " + l.Size(p.Observed.SentBytes) + "  ↑ " + l.Size(p.Observed.ReceivedBytes),
		Key:     p.PublicKey.String(), Since: l.Date(p.Created),
		Note: p.Note, Kind: string(p.Kind), IdleDays: p.IdleDays, Routes: string(p.Routes),
	}
	if !p.Leaves.IsZero() {
		v.Leaves = p.Leaves.Local().Format(time.TimeOnly)
	}
	v.Reach = reachWords(l, p.Access)
	if !p.Expires.IsZero() {
		v.Ends = l.DateTime(p.Expires)
	}
	for _, h := range p.Hints() {
		v.Hints = append(v.Hints, l.Code("seen.hint", string(h), "Places", places(p)))
	}
	for _, r := range p.NeedsCode {
		v.Outdated = append(v.Outdated, l.Code("code.reason", string(r)))
	}
	v.OwnKey = p.OwnKey
	v.NewReady = p.Renewing() && p.NextReady
	var addresses []string
	for _, a := range p.Addresses {
		addresses = append(addresses, a.String())
	}
	v.Address = strings.Join(addresses, ", ")
	v.Presence, v.Seen = presence(l, p, now)
	return v
}

func presence(l *languages.Language, p peers.Peer, now time.Time) (key, text string) {
	o := p.Observed
	since := now.Sub(p.Seen)
	switch {
	case p.State == peers.Expired:
		return "off", l.T("seen.expired")
	case p.IdledOut:
		return "off", l.T("seen.idled_out")
	case !p.Enabled:
		return "off", l.T("seen.off")
	case p.State == peers.Pending:
		return "pending", l.T("seen.pending")
	case p.Seen.IsZero():
		return "new", l.T("seen.new")
	case since < hereFor && o.Endpoint.IsValid():
		return "here", l.T("seen.here", "Address", o.Endpoint.Addr().Unmap())
	}
	return "away", l.T("seen.away", "Ago", l.Ago(since))
}

// places are the two from which a key is used.
func places(p peers.Peer) string {
	var list []string
	for _, a := range p.TwoPlaces {
		list = append(list, a.String())
	}
	return strings.Join(list, ", ")
}
