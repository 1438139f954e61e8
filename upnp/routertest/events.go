package routertest

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Names of the requests of eventing, for scripts and counters. Reply.Header of a script
// replaces what the router would say.
const (
	Subscribe   = "SUBSCRIBE"
	Unsubscribe = "UNSUBSCRIBE"
)

func (r *Router) eventURL(service int) string {
	if !r.opt.Events {
		return ""
	}
	return fmt.Sprintf("/evt/%d", service)
}

// handleEvents takes subscriptions (UPnP Device Architecture 2.0, section 4.1).
func (r *Router) handleEvents(w http.ResponseWriter, req *http.Request) {
	reply := r.next(req.Method, map[string]string{"SID": req.Header.Get("SID"), "CALLBACK": req.Header.Get("CALLBACK")})
	defer r.end(req.Method)
	pause(req.Context(), reply.Delay)
	if reply.Drop {
		panic(http.ErrAbortHandler)
	}
	if reply.Status != 0 {
		w.WriteHeader(reply.Status)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	sid := req.Header.Get("SID")
	callback := strings.Trim(req.Header.Get("CALLBACK"), "<>")
	switch _, known := r.subscribers[sid]; {
	case !r.opt.Events || !strings.HasPrefix(req.URL.Path, "/evt/"):
		w.WriteHeader(http.StatusNotFound)
		return
	case sid != "" && (!known || callback != ""), sid == "" && (req.Header.Get("NT") != "upnp:event" || callback == ""):
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	case req.Method == Unsubscribe:
		delete(r.subscribers, sid)
		return
	case sid == "":
		r.subscribed++
		sid = fmt.Sprintf("uuid:subscription-%d", r.subscribed)
		r.subscribers[sid] = callback
	}
	w.Header()["SID"], w.Header()["TIMEOUT"] = []string{sid}, []string{"Second-1800"}
	for key, value := range reply.Header {
		w.Header()[key] = []string{value}
	}
}

// Subscribers are the subscriptions that there are now, with where events are sent.
func (r *Router) Subscribers() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.subscribers)
}

// An Event is one message to a subscriber.
type Event struct {
	From   netip.Addr // zero: the router
	SID    string     // zero: the right one
	Method string     // zero: NOTIFY
	Path   string     // zero: the right one
	NTS    string     // zero: upnp:propchange
	SEQ    string     // zero: 1
	Body   string
}

// Notify sends an event to all subscribers, and returns what they answered: the HTTP
// status, or 0 for none.
func (r *Router) Notify(e Event) (answers []int) {
	from := r.addr
	if e.From.IsValid() {
		from = e.From
	}
	dialer := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	client := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}, Timeout: 5 * time.Second}
	subscribers := r.Subscribers()
	for _, sid := range slices.Sorted(maps.Keys(subscribers)) {
		answers = append(answers, r.notify(client, sid, subscribers[sid], e))
	}
	return answers
}

func (r *Router) notify(client *http.Client, sid, callback string, e Event) int {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	req, err := http.NewRequestWithContext(context.Background(), or(e.Method, "NOTIFY"), callback, strings.NewReader(e.Body))
	if err != nil {
		r.t.Error(err)
		return 0
	}
	if e.Path != "" {
		req.URL.Path = e.Path
	}
	req.Header = http.Header{"NT": {"upnp:event"}, "NTS": {or(e.NTS, "upnp:propchange")}, "SID": {or(e.SID, sid)}, "SEQ": {or(e.SEQ, "1")}}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}
