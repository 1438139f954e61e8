package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"homeward/peers"
	"homeward/peers/history"
)

// History is what the handler and the page need of what was written down.
type History interface {
	Events(history.Filter) (list []history.Event, more bool)
	Actors() []string
	Follow() *history.Subscription
	Traffic(context.Context, peers.ID, history.Span) ([]history.Bar, error)
	Sessions(ctx context.Context, id peers.ID, limit int) ([]history.Session, error)
	Recent() map[peers.ID][history.RecentHours]uint64
}

// Event is something that happened. What Cause and Detail mean depends on Kind.
type Event struct {
	ID     int64     `json:"id"`
	At     time.Time `json:"at"`
	Last   time.Time `json:"last"`  // of those that this one stands for
	Count  int       `json:"count"` // how many these are
	Kind   string    `json:"kind"`
	Peer   int64     `json:"peer,omitempty"`
	Name   string    `json:"name,omitempty"`  // the peer's, at that time
	Actor  string    `json:"actor,omitempty"` // who did it, if it was a person
	Cause  string    `json:"cause,omitempty"`
	Place  string    `json:"place,omitempty"` // a network outside, never an address
	Detail string    `json:"detail,omitempty"`
}

// Events is a page of events, the latest first.
type Events struct {
	Events []Event `json:"events"`
	Before int64   `json:"before,omitempty"` // asks for the next page; missing: this is the last one
}

// Traffic is what went through a peer's tunnel, both ways in bytes.
type Traffic struct {
	Span     string `json:"span"`
	Received uint64 `json:"received_bytes"` // from the peer
	Sent     uint64 `json:"sent_bytes"`
	Bars     []Bar  `json:"bars"` // the oldest first
}

// Bar is the traffic of one interval.
type Bar struct {
	From     time.Time `json:"from"`
	Received uint64    `json:"received_bytes"`
	Sent     uint64    `json:"sent_bytes"`
}

// Session is a time during which a peer was here.
type Session struct {
	First time.Time `json:"first"` // handshake
	Last  time.Time `json:"last"`
	Place string    `json:"place,omitempty"` // a network, never an address
	Home  bool      `json:"home"`            // it was in the house
}

// maxSessions is how many sessions are answered at most.
const maxSessions = 200

func (h handler) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	if wantsStream(r) {
		h.stream(w, r)
		return
	}
	f, err := filterOf(r.URL.Query())
	if err != nil {
		h.fail(w, err)
		return
	}
	list, more := h.History.Events(f)
	out := Events{Events: []Event{}}
	for _, e := range list {
		out.Events = append(out.Events, eventFrom(e))
	}
	if more {
		out.Before = list[len(list)-1].ID
	}
	h.reply(w, http.StatusOK, out)
}

func eventFrom(e history.Event) Event {
	return Event{ID: e.ID, At: e.At.UTC(), Last: e.Last.UTC(), Count: e.Count, Kind: string(e.Kind), Peer: int64(e.Peer),
		Name: e.Name, Actor: e.Actor, Cause: e.Cause, Place: e.Place, Detail: e.Detail}
}

// filterOf reads which events are wanted; kind may occur several times.
func filterOf(q url.Values) (history.Filter, error) {
	var f history.Filter
	number := func(field string, to func(int64)) error {
		if !q.Has(field) {
			return nil
		}
		n, err := strconv.ParseInt(q.Get(field), 10, 64)
		if err != nil || n <= 0 {
			return &peers.FieldError{Field: field, Problem: "is not a positive number"}
		}
		to(n)
		return nil
	}
	if err := number("peer", func(n int64) { f.Peer = peers.ID(n) }); err != nil {
		return f, err
	}
	if err := number("before", func(n int64) { f.Before = n }); err != nil {
		return f, err
	}
	if err := number("limit", func(n int64) { f.Limit = int(min(n, 1<<20)) }); err != nil {
		return f, err
	}
	switch q.Get("house") {
	case "", "false":
	case "true":
		f.House = true
	default:
		return f, &peers.FieldError{Field: "house", Problem: "is neither true nor false"}
	}
	f.Actor = q.Get("actor")
	for _, k := range q["kind"] {
		if !slices.Contains(history.Kinds(), history.Kind(k)) {
			return f, &peers.FieldError{Field: "kind", Problem: strconv.Quote(k) + " is none: use " + kindNames()}
		}
		f.Kinds = append(f.Kinds, history.Kind(k))
	}
	if q.Has("since") {
		t, err := time.Parse(time.RFC3339, q.Get("since"))
		if err != nil {
			return f, &peers.FieldError{Field: "since", Problem: "is not a time as in RFC 3339"}
		}
		f.Since = t
	}
	return f, nil
}

func kindNames() string {
	var names []string
	for _, k := range history.Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

func (h handler) traffic(w http.ResponseWriter, r *http.Request, id peers.ID) {
	span, err := history.ParseSpan(r.URL.Query().Get("span"))
	if err != nil {
		h.fail(w, &peers.FieldError{Field: "span", Problem: err.Error()})
		return
	}
	var bars []history.Bar
	if _, err = h.Peers.Get(id); err == nil {
		bars, err = h.History.Traffic(r.Context(), id, span)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	sum := history.Sum(bars)
	out := Traffic{Span: string(span), Received: sum.Received, Sent: sum.Sent, Bars: []Bar{}}
	for _, b := range bars {
		out.Bars = append(out.Bars, Bar{b.From.UTC(), b.Received, b.Sent})
	}
	h.reply(w, http.StatusOK, out)
}

func (h handler) sessions(w http.ResponseWriter, r *http.Request, id peers.ID) {
	var list []history.Session
	_, err := h.Peers.Get(id)
	if err == nil {
		list, err = h.History.Sessions(r.Context(), id, maxSessions)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	out := []Session{}
	for _, s := range list {
		out = append(out, Session{s.First.UTC(), s.Last.UTC(), s.Place, s.Home})
	}
	h.reply(w, http.StatusOK, out)
}

// Events asks for a page of events that the query chooses, as /api/v1/events has it.
func (c *Client) Events(ctx context.Context, q url.Values) (Events, error) {
	var e Events
	err := c.call(ctx, "GET", "/api/v1/events?"+q.Encode(), nil, &e)
	return e, err
}

// Traffic asks for what went through a peer's tunnel.
func (c *Client) Traffic(ctx context.Context, id int64, span history.Span) (Traffic, error) {
	var t Traffic
	err := c.call(ctx, "GET", peerPath(id)+"/traffic?span="+string(span), nil, &t)
	return t, err
}

// Sessions asks when a peer was here.
func (c *Client) Sessions(ctx context.Context, id int64) ([]Session, error) {
	var list []Session
	err := c.call(ctx, "GET", peerPath(id)+"/sessions", nil, &list)
	return list, err
}
