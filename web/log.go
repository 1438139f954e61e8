package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/web/languages"
)

// What a page of the log has.
const (
	logPageLen    = 100
	timelineLen   = 30 // on a device's page
	timelineLasts = 14 * 24 * time.Hour
)

// topic is a group of kinds of events that people look for.
type topic struct {
	Key   string
	kinds []history.Kind
}

// topics lists all of them. Each kind belongs to one.
var topics = []topic{
	{"router", []history.Kind{history.PortOpen, history.PortRenewed, history.PortLost, history.PortConflict, history.AddressChanged}},
	{"devices", []history.Kind{history.DeviceFirst, history.DeviceBack, history.DeviceEnded}},
	{"refused", []history.Kind{history.DeviceRefused, history.LoginRefused}},
	{"people", []history.Kind{history.AdminAction}},
	{"box", []history.Kind{history.Started, history.Updated, history.Stopped, history.Alert, history.AlertOver}},
}

func topicOf(k history.Kind) string {
	for _, t := range topics {
		if slices.Contains(t.kinds, k) {
			return t.Key
		}
	}
	return ""
}

// bad are the kinds that are shown as trouble.
var bad = []history.Kind{history.PortLost, history.PortConflict, history.DeviceRefused, history.LoginRefused, history.Alert}

// logRow is a line of the log, in words.
type logRow struct {
	Time  string `json:"time"` // as in RFC 3339, for programs
	When  string `json:"when"`
	Peer  int64  `json:"peer,omitempty"`
	Name  string `json:"name,omitempty"`
	Actor string `json:"actor,omitempty"` // who did it
	Link  string `json:"link,omitempty"`  // to the device, while it exists
	Text  string `json:"text"`
	Topic string `json:"topic"`
	Bad   bool   `json:"bad,omitempty"`
	House bool   `json:"house,omitempty"` // it belongs into each device's timeline

	at time.Time
}

func (s *Server) logRow(l *languages.Language, e history.Event) logRow {
	row := logRow{Time: e.At.Format(time.RFC3339), When: l.DateTime(e.At), Peer: int64(e.Peer), Name: e.Name, Actor: e.Actor, Text: EventText(l, e), Topic: topicOf(e.Kind), Bad: slices.Contains(bad, e.Kind), House: e.House(), at: e.At}
	if e.Peer == 0 {
		return row
	}
	if p, err := s.cfg.Peers.Get(e.Peer); err == nil { // under its present name
		row.Name, row.Link = string(p.Name), peerURL(p.ID)
	}
	return row
}

// logPage is what happened, with a choice of it.
type logPage struct {
	layout
	Rows   []logRow
	Topics []topic
	About  string
	Peers  []peerChoice
	Peer   int64
	Actors []actorChoice
	Actor  string
	Older  string // where the next page is, or empty
	Live   bool   // new rows go on top
}

// actorChoice is somebody who did something.
type actorChoice struct{ Key, Name string }

func (s *Server) actors(l *languages.Language) (list []actorChoice) {
	for _, key := range s.cfg.History.Actors() {
		list = append(list, actorChoice{key, actorText(l, key)})
	}
	return list
}

type peerChoice struct {
	ID   int64
	Name string
}

func (s *Server) showLog(w http.ResponseWriter, r *http.Request) {
	l, q := s.language(r), r.URL.Query()
	page := logPage{layout: s.layout(r, l.T("log.title")), Topics: topics, Live: q.Get("before") == ""}
	f := history.Filter{Limit: logPageLen}
	for _, t := range topics {
		if t.Key == q.Get("about") {
			page.About, f.Kinds = t.Key, t.kinds
		}
	}
	// What makes no sense, as in an old bookmark, chooses nothing.
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64)
	id, _ := strconv.ParseInt(q.Get("peer"), 10, 64)
	page.Peer = max(id, 0)
	page.Actors = s.actors(l)
	for _, a := range page.Actors {
		if a.Key == q.Get("by") {
			page.Actor, f.Actor = a.Key, a.Key
		}
	}
	f.Peer, f.Before = peers.ID(page.Peer), max(before, 0)
	for _, p := range s.cfg.Peers.List() {
		page.Peers = append(page.Peers, peerChoice{int64(p.ID), string(p.Name)})
	}
	list, more := s.cfg.History.Events(f)
	for _, e := range list {
		page.Rows = append(page.Rows, s.logRow(l, e))
	}
	if more {
		next := url.Values{"before": {strconv.FormatInt(list[len(list)-1].ID, 10)}}
		for k, v := range map[string]string{"about": page.About, "peer": q.Get("peer"), "by": page.Actor} {
			if v != "" {
				next.Set(k, v)
			}
		}
		page.Older = "/log?" + next.Encode()
	}
	s.render(w, r, http.StatusOK, "log.html", page)
}

// timeline is what happened to a device lately: events, and when it was here.
func (s *Server) timeline(r *http.Request, p peers.Peer, now time.Time) ([]logRow, error) {
	l := s.language(r)
	sessions, err := s.cfg.History.Sessions(r.Context(), p.ID, timelineLen)
	if err != nil {
		return nil, err
	}
	events, _ := s.cfg.History.Events(history.Filter{Peer: p.ID, House: true, Since: now.Add(-timelineLasts), Limit: timelineLen})
	var rows []logRow
	for _, e := range events {
		row := s.logRow(l, e)
		row.Name = "" // it is the page's
		rows = append(rows, row)
	}
	for _, v := range sessions {
		if now.Sub(v.Last) <= timelineLasts {
			rows = append(rows, logRow{Time: v.First.Format(time.RFC3339), When: l.DateTime(v.First), Text: SessionText(l, v), Topic: "devices", at: v.First})
		}
	}
	slices.SortStableFunc(rows, func(a, b logRow) int { return cmp.Compare(b.at.Unix(), a.at.Unix()) })
	return rows[:min(len(rows), timelineLen)], nil
}

// past is what a device's page shows of its history.
type past struct {
	Charts   []chart
	Timeline []logRow
}

func (s *Server) past(r *http.Request, p peers.Peer, now time.Time) (past, error) {
	var (
		v    past
		errs []error
	)
	for _, span := range history.Spans() {
		bars, err := s.cfg.History.Traffic(r.Context(), p.ID, span)
		errs = append(errs, err)
		v.Charts = append(v.Charts, chartOf(s.language(r), span, bars))
	}
	rows, err := s.timeline(r, p, now)
	v.Timeline = rows
	return v, errors.Join(append(errs, err)...)
}
