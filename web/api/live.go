package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/web/account"
)

// The stream of /api/v1/events, for who asks for text/event-stream (as browsers'
// EventSource does): what is, and then what changes.
const (
	liveEvery    = 2 * time.Second  // how often a listener hears what is new
	beatEvery    = 15 * time.Second // the longest silence; it also finds out who is gone
	writeTime    = 10 * time.Second // who takes longer to read is gone
	maxListeners = 32               // at the same time
	maxOfOne     = 8                // of one person, by whatever logins and tokens
	maxMissed    = 500              // events that are told to who comes back
)

// Topics of the stream.
const (
	topicStatus = "status"
	topicPeers  = "peers"
	topicLog    = "log"
)

// RemovedPeer is told of a peer that is gone.
type RemovedPeer struct {
	ID int64 `json:"id"`
}

// Gap is told to who comes back after more events than are told again: those after
// After and before Before are read as a list.
type Gap struct {
	After  int64 `json:"after"`
	Before int64 `json:"before"`
}

// listeners bounds who listens.
type listeners struct {
	mu  sync.Mutex // guards what follows
	of  map[int64]int
	all int
}

// enter takes a place for a person, who gives it back by leave.
func (l *listeners) enter(id int64) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of[id] >= maxOfOne {
		return nil, &requestError{http.StatusTooManyRequests, fmt.Sprintf("you listen %d times already: end one of them first", maxOfOne)}
	}
	if l.all >= maxListeners {
		return nil, &requestError{http.StatusServiceUnavailable, "too many listen already"}
	}
	if l.of == nil {
		l.of = map[int64]int{}
	}
	l.of[id]++
	l.all++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.of[id]--; l.of[id] == 0 {
			delete(l.of, id)
		}
		l.all--
	}, nil
}

// wantsStream reports whether a request asks for a stream.
func wantsStream(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(line, ",") {
			if t, _, err := mime.ParseMediaType(part); err == nil && t == "text/event-stream" {
				return true
			}
		}
	}
	return false
}

// stream tells what is, and then what changes, until the reader or the server is
// gone, or whoever reads may no more.
func (h handler) stream(w http.ResponseWriter, r *http.Request) {
	news, err := h.newsFor(r)
	var leave func()
	if err == nil {
		leave, err = h.listeners.enter(account.CallerOf(r.Context()).ID)
	}
	if err != nil {
		w.Header().Set("Retry-After", "30")
		h.fail(w, err)
		return
	}
	defer leave()
	ended := context.Background()
	if h.Ended != nil {
		ended = h.Ended
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	out := http.NewResponseController(w)
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	text := bytes.NewBufferString("retry: 5000\n\n")
	for said := time.Now(); ; {
		news.tell(text)
		if text.Len() == 0 && time.Since(said) >= beatEvery {
			text.WriteString(": still here\n\n")
		}
		if text.Len() > 0 {
			out.SetWriteDeadline(time.Now().Add(writeTime)) // a writer without deadlines needs none
			if _, err := w.Write(text.Bytes()); err != nil {
				return
			}
			if err := out.Flush(); err != nil {
				return
			}
			said = time.Now()
			text.Reset()
		}
		select {
		case <-r.Context().Done():
			return
		case <-ended.Done():
			return
		case <-tick.C:
		}
		if h.MayStill != nil && !h.MayStill(r) {
			return
		}
	}
}

// news is what one listener heard already.
type news struct {
	h      handler
	topics []string
	seed   maphash.Seed
	status uint64
	peers  map[peers.ID]uint64
	last   int64         // the latest event that was told
	counts map[int64]int // of the latest events, some of which go on to count
	began  bool
	back   bool // the listener says what it heard last
}

// newsFor reads what a listener wants.
func (h handler) newsFor(r *http.Request) (*news, error) {
	n := &news{h: h, topics: r.URL.Query()["topic"], seed: maphash.MakeSeed(), peers: map[peers.ID]uint64{}}
	for _, t := range n.topics {
		if !slices.Contains([]string{topicStatus, topicPeers, topicLog}, t) {
			return nil, &peers.FieldError{Field: "topic", Problem: strconv.Quote(t) + " is none: use status, peers or log"}
		}
	}
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		last, err := strconv.ParseInt(id, 10, 64)
		if err != nil || last < 0 {
			return nil, &peers.FieldError{Field: "Last-Event-ID", Problem: "is not the id of an event"}
		}
		n.last, n.back = last, true
	}
	return n, nil
}

func (n *news) wants(topic string) bool {
	return len(n.topics) == 0 || slices.Contains(n.topics, topic)
}

// tell writes what is new.
func (n *news) tell(to *bytes.Buffer) {
	if n.wants(topicStatus) {
		n.tellStatus(to)
	}
	if n.wants(topicPeers) {
		n.tellPeers(to)
	}
	if n.wants(topicLog) {
		n.tellLog(to)
	}
	n.began = true
}

// write is one event. Only those of the log have an id: the others are told anew to
// who comes back.
func (n *news) write(to *bytes.Buffer, kind string, id int64, b []byte) {
	if id != 0 {
		fmt.Fprintf(to, "id: %d\n", id)
	}
	fmt.Fprintf(to, "event: %s\ndata: %s\n\n", kind, b)
}

// marshal is of our own types, all of which are JSON.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func (n *news) tellStatus(to *bytes.Buffer) {
	b := marshal(n.h.Status().full())
	if sum := maphash.Bytes(n.seed, b); !n.began || sum != n.status {
		n.status = sum
		n.write(to, "status", 0, b)
	}
}

func (n *news) tellPeers(to *bytes.Buffer) {
	now := make(map[peers.ID]uint64, len(n.peers))
	for _, p := range n.h.Peers.List() {
		b := marshal(peerFrom(p))
		now[p.ID] = maphash.Bytes(n.seed, b)
		if before, known := n.peers[p.ID]; !known || before != now[p.ID] {
			n.write(to, "peer", 0, b)
		}
	}
	for id := range n.peers {
		if _, there := now[id]; !there {
			n.write(to, "peer-removed", 0, marshal(RemovedPeer{int64(id)}))
		}
	}
	n.peers = now
}

func (n *news) tellLog(to *bytes.Buffer) {
	f := history.Filter{Limit: 100}
	if !n.began && n.back {
		f.Limit = maxMissed
	}
	list, more := n.h.History.Events(f)
	if len(list) > 0 && n.last > list[0].ID { // a backup was put in the place of what it heard
		n.last = list[0].ID
	}
	if !n.began && !n.back { // from now on
		if len(list) > 0 {
			n.last = list[0].ID
		}
	} else if more && list[len(list)-1].ID > n.last+1 {
		n.write(to, "gap", 0, marshal(Gap{After: n.last, Before: list[len(list)-1].ID}))
	}
	counts := make(map[int64]int, len(list))
	for _, e := range slices.Backward(list) {
		counts[e.ID] = e.Count
		if before := n.counts[e.ID]; e.ID > n.last || before != 0 && before != e.Count {
			n.last = max(n.last, e.ID)
			n.write(to, "log", n.last, marshal(eventFrom(e)))
		}
	}
	n.counts = counts
}
