package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/web/account"
)

// told is one event of a stream.
type told struct{ id, kind, data string }

// parse reads the events of a stream, comments left out.
func parse(text string) (list []told) {
	var e told
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			e.data = value
		case "":
			if value == "" && e.kind != "" {
				list = append(list, e)
			}
			e = told{}
		}
	}
	return list
}

// kinds are those of events, with ids.
func kinds(list []told) (out []string) {
	for _, e := range list {
		out = append(out, strings.TrimSpace(e.kind+" "+e.id))
	}
	return out
}

// noted is a history that a test writes.
type noted struct {
	History
	mu   *sync.Mutex
	list []history.Event // the latest first
}

func (n *noted) Events(f history.Filter) ([]history.Event, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.list[:min(len(n.list), f.Limit)]
	return slices.Clone(list), len(n.list) > len(list)
}

func (n *noted) add(count int) {
	n.list = slices.Insert(n.list, 0, history.Event{ID: int64(len(n.list) + 1), Kind: history.DeviceRefused, Count: count})
}

// some are the peers that there are.
type some struct {
	Peers
	mu   *sync.Mutex
	list []peers.Peer
}

func (s *some) List() []peers.Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// tape is an answer that may be read while it is written.
type tape struct {
	httptest.ResponseRecorder
	mu *sync.Mutex
}

func (t *tape) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ResponseRecorder.Write(b)
}

// radio is a stream in a bubble of time, that a test listens to.
type radio struct {
	h      handler
	mu     sync.Mutex // guards what follows
	status Status
	peers  some
	log    noted
	may    bool
	heard  *tape
	done   chan struct{}
}

func newRadio() *radio {
	r := &radio{status: Status{Version: "v"}, may: true}
	r.peers.mu, r.log.mu = &r.mu, &r.mu
	r.h = newHandler(Config{Peers: &r.peers, History: &r.log, Status: func() Status {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.status
	}, MayStill: func(*http.Request) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.may
	}})
	return r
}

// change changes what there is.
func (r *radio) change(how func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	how()
}

// listen opens the stream, and closes it when ctx ends.
func (r *radio) listen(ctx context.Context, query, last string) {
	req := httptest.NewRequestWithContext(ctx, "GET", "/api/v1/events"+query, nil)
	req.Header.Set("Accept", "text/html, text/event-stream;q=0.9")
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	r.heard, r.done = &tape{*httptest.NewRecorder(), &r.mu}, make(chan struct{})
	go func() {
		defer close(r.done)
		r.h.events(r.heard, req)
	}()
	synctest.Wait()
}

// news are the events since it was last asked, after some time.
func (r *radio) news(after time.Duration) []told {
	time.Sleep(after)
	synctest.Wait()
	return parse(r.text())
}

// text is what was heard since it was last asked.
func (r *radio) text() (text string) {
	r.change(func() {
		text = r.heard.Body.String()
		r.heard.Body.Reset()
	})
	return text
}

func TestAListenerHearsWhatIsAndThenWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := newRadio()
		r.peers.list = []peers.Peer{{ID: 1, Name: "phone"}, {ID: 2, Name: "tv"}}
		r.log.add(1)
		r.listen(ctx, "", "")
		if got := kinds(r.news(0)); !slices.Equal(got, []string{"status", "peer", "peer"}) || r.heard.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("at first: %v, %v", got, r.heard.Header())
		}
		if got := r.news(liveEvery); len(got) != 0 {
			t.Errorf("nothing changed: %v", got)
		}
		r.change(func() {
			r.status.Version = "w"
			r.peers.list = []peers.Peer{{ID: 1, Name: "phone", Note: "n"}, {ID: 3, Name: "laptop"}}
			r.log.add(1)
			r.log.add(1)
		})
		got := r.news(liveEvery)
		if !slices.Equal(kinds(got), []string{"status", "peer", "peer", "peer-removed", "log 2", "log 3"}) {
			t.Errorf("then: %v", got)
		}
		var p Peer
		var gone RemovedPeer
		var e Event
		if json.Unmarshal([]byte(got[1].data), &p) != nil || p.Note != "n" || json.Unmarshal([]byte(got[3].data), &gone) != nil || gone.ID != 2 || json.Unmarshal([]byte(got[5].data), &e) != nil || e.ID != 3 {
			t.Errorf("%v", got)
		}
		r.change(func() { r.log.list[0].Count = 7 }) // the same again and again
		if got := r.news(liveEvery); len(got) != 1 || got[0].id != "3" || !strings.Contains(got[0].data, `"count":7`) {
			t.Errorf("one that goes on: %v", got)
		}
		cancel()
		<-r.done
	})
}

func TestWhoComesBackMissesNothingOfTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRadio()
		for range 5 {
			r.log.add(1)
		}
		for last, want := range map[string][]string{"3": {"log 4", "log 5"}, "5": nil, "0": {"log 1", "log 2", "log 3", "log 4", "log 5"}, "99": nil} {
			ctx, cancel := context.WithCancel(t.Context())
			r.listen(ctx, "?topic=log", last)
			if got := kinds(r.news(0)); !slices.Equal(got, want) {
				t.Errorf("after %s: %v", last, got)
			}
			cancel()
			<-r.done
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range maxMissed * 2 {
			r.log.add(1)
		}
		r.listen(ctx, "?topic=log", "3")
		got := r.news(0)
		first := strconv.Itoa(len(r.log.list) - maxMissed + 1)
		if len(got) != maxMissed+1 || got[0].kind != "gap" || got[0].data != `{"after":3,"before":`+first+`}` || got[1].id != first {
			t.Errorf("%d events, first %v", len(got), got[0])
		}
		cancel()
		<-r.done
		for name, change := range map[string]func(*http.Request){
			"topic": func(q *http.Request) { q.URL.RawQuery = "topic=x" }, "Last-Event-ID": func(q *http.Request) { q.Header.Set("Last-Event-ID", "x") },
		} {
			req, w := newRequest("GET", "/api/v1/events", "")
			req.Header.Set("Accept", "text/event-stream")
			change(req)
			if r.h.events(w, req); w.Code != 400 || !strings.Contains(w.Body.String(), `"field":"`+name+`"`) {
				t.Errorf("a wrong %s: %d %s", name, w.Code, w.Body)
			}
		}
	})
}

func TestTheStreamBeatsAndEndsWithWhoMayListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRadio()
		r.listen(t.Context(), "?topic=log", "")
		r.text()
		time.Sleep(beatEvery + liveEvery)
		synctest.Wait()
		if got := r.text(); got != ": still here\n\n" {
			t.Errorf("in silence: %q", got)
		}
		r.change(func() { r.may = false })
		time.Sleep(liveEvery)
		synctest.Wait()
		select {
		case <-r.done:
		default:
			t.Fatal("it goes on")
		}
		// And with the server.
		var end context.CancelFunc
		r.change(func() { r.may = true })
		r.h.Ended, end = context.WithCancel(context.Background())
		r.listen(t.Context(), "", "")
		end()
		<-r.done
	})
}

func TestListenersAreBoundedEachAndAll(t *testing.T) {
	var l listeners
	var leave func()
	for range maxOfOne {
		var err error
		if leave, err = l.enter(1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.enter(1); statusOf(err) != http.StatusTooManyRequests {
		t.Errorf("one too many of a person: %v", err)
	}
	leave()
	if _, err := l.enter(1); err != nil {
		t.Errorf("with room: %v", err)
	}
	for id := range maxListeners - maxOfOne {
		if _, err := l.enter(int64(id + 2)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.enter(99); statusOf(err) != http.StatusServiceUnavailable {
		t.Errorf("one too many in all: %v", err)
	}
	r := newRadio()
	for range maxOfOne {
		r.h.listeners.enter(7)
	}
	req, w := newRequest("GET", "/api/v1/events", "")
	req.Header.Set("Accept", "text/event-stream")
	r.h.events(w, req.WithContext(account.WithCaller(req.Context(), account.Caller{User: account.User{ID: 7}})))
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || w.Header().Get("Content-Type") != problemType {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// The real thing: over a socket, with real peers.
func TestAStreamOverTheWireTellsOfANewPeer(t *testing.T) {
	w := newWorld(t, home(t))
	req, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/api/v1/events?topic=peers&topic=log", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := w.client.AddPeer(t.Context(), NewPeer{Name: "phone"}); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		if strings.HasPrefix(s.Text(), "data: ") && strings.Contains(s.Text(), `"name":"phone"`) {
			return
		}
	}
	t.Error("it ended, and told nothing", io.EOF)
}

// A listener costs less than 2 % of a core, also when 1,000 devices are there and a
// fifth of them moves.
func TestAListenerOfManyDevicesCostsLittle(t *testing.T) {
	r := newRadio()
	for id := range 1000 {
		r.peers.list = append(r.peers.list, peers.Peer{ID: peers.ID(id + 1), Name: peers.Name("device " + strconv.Itoa(id)), Addresses: []netip.Addr{netip.MustParseAddr("10.6.0.2"), netip.MustParseAddr("fd00:6::2")}})
	}
	n, err := r.h.newsFor(httptest.NewRequest("GET", "/api/v1/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	n.tell(&out)
	const rounds = 50
	least := time.Hour // of a busy machine, only the quickest round says what it costs
	for round := range rounds {
		for i := range 200 {
			r.peers.list[i].Observed.ReceivedBytes = uint64(round + 1)
		}
		out.Reset()
		begun := time.Now()
		n.tell(&out)
		least = min(least, time.Since(begun))
		if got := strings.Count(out.String(), "event: peer\n"); got != 200 {
			t.Fatalf("%d devices were told", got)
		}
	}
	t.Logf("%v every %v: %.2f %% of a core", least, liveEvery, 100*least.Seconds()/liveEvery.Seconds())
	if least > liveEvery*2/100 {
		t.Errorf("a listener takes %v every %v", least, liveEvery)
	}
}
