package web

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/peers"
)

// stream opens the live news and returns what it says, one view at a time; it is
// closed when the server ends it.
func (w *world) stream(c *http.Client, query ...string) <-chan view {
	w.t.Helper()
	resp, err := c.Get(w.url + "/live" + strings.Join(query, ""))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("status %d, %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	news := make(chan view, 100)
	go func() {
		defer close(news)
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			text, ok := strings.CutPrefix(s.Text(), "data: ")
			var v view
			if ok && json.Unmarshal([]byte(text), &v) == nil {
				news <- v
			}
		}
	}()
	return news
}

// next waits for the next news; ok is false when the stream has ended.
func next(t *testing.T, news <-chan view) (v view, ok bool) {
	t.Helper()
	select {
	case v, ok = <-news:
		return v, ok
	case <-time.After(time.Minute):
		t.Fatal("no news")
	}
	return v, ok
}

func TestAnOpenPageHearsWhatChanges(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	i := w.addPeer("phone")
	news := w.stream(c)
	first, _ := next(t, news)
	if len(first.Peers) != 1 || first.Peers[0].Presence != "new" || len(first.Joints) != 1 || first.Joints[0].Verdict != "does not work" {
		t.Errorf("first: %+v", first)
	}
	w.dev.Observe(i.Peer.PublicKey, peers.Observed{Endpoint: netip.MustParseAddrPort("[::ffff:203.0.113.5]:9"), LastHandshake: time.Now(), ReceivedBytes: 2048, SentBytes: 1 << 20})
	second, _ := next(t, news)
	if p := second.Peers[0]; p.Presence != "here" || p.Seen != "Here now, from 203.0.113.5" || p.Traffic != "↓ 1.0 MiB  ↑ 2.0 KiB" {
		t.Errorf("second: %+v", p)
	}
}

func TestTheStreamEndsWithTheSessionAndWithTheServer(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	news := w.stream(c)
	next(t, news)
	w.wantStatus("logging out", w.post(c, "/logout", nil), 303)
	for {
		if _, ok := next(t, news); !ok {
			break
		}
	}
	again := w.browser()
	w.wantStatus("logging in", w.post(again, "/login", map[string][]string{"password": {password}}), 303)
	news = w.stream(again)
	next(t, news)
	w.page.Close()
	for {
		if _, ok := next(t, news); !ok {
			return
		}
	}
}

func TestLivePagesAreBounded(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	for range maxLive {
		w.page.live <- struct{}{}
	}
	r := w.get(c, "/live")
	w.wantStatus("one page too many", r, 503)
	if r.header.Get("Retry-After") == "" {
		t.Error("it does not say when to try again")
	}
	<-w.page.live
	w.wantStatus("with room", w.get(c, "/live"), 200)
}
