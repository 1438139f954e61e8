package web

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/web/account"
	"homeward/web/languages"
)

// happen has an event written down.
func (w *world) happen(e history.Event) {
	w.t.Helper()
	before, _ := w.history.Events(history.Filter{Limit: 1})
	w.events.Publish(e)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if now, _ := w.history.Events(history.Filter{Limit: 1}); len(now) > 0 && (len(before) == 0 || now[0] != before[0]) {
			return
		}
	}
	w.t.Fatal("the event was not written down")
}

func TestTheLogSaysWhatHappenedAndFindsIt(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	p := w.addPeer("phone").Peer
	w.happen(history.Event{Kind: history.DeviceRefused, Cause: "disabled", Peer: p.ID, Name: "old name", Place: "203.0.113.0/24"})
	w.happen(history.Event{Kind: history.AdminAction, Cause: "removed", Peer: 99, Name: "<b>gone</b>", Actor: "page"})
	w.happen(history.Event{Kind: history.PortLost, Cause: "carrier-nat"})
	all := w.get(c, "/log").body
	for _, want := range []string{`<a href="/peers/1">phone</a>`, "since it is switched off here; from 203.0.113.0/24", "<b>&lt;b&gt;gone&lt;/b&gt;</b>", "Was removed · On the page", "shares one address among customers", "homeward v started", "data-log "} {
		if !strings.Contains(all, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if strings.Contains(all, "old name") {
		t.Error("a device is not under its present name")
	}
	for query, want := range map[string]int{"": 4, "?peer=1": 1, "?about=people": 1, "?about=router&peer=1": 0, "?about=box": 1, "?about=nonsense&peer=x&before=-1": 4, "?before=3": 2} {
		if got := strings.Count(w.get(c, "/log"+query).body, "<time "); got != want {
			t.Errorf("%q: %d lines, want %d", query, got, want)
		}
	}
	if strings.Contains(w.get(c, "/log?before=3").body, "data-log ") {
		t.Error("an older page gets new lines on top")
	}
	if german := w.send(c, "GET", "/log", "", "", func(r *http.Request) { r.Header.Set("Accept-Language", "de") }).body; !strings.Contains(german, "weil es hier ausgeschaltet ist") {
		t.Error("the log is not in the reader's language")
	}
}

func TestAnOldLogHasPages(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	for i := range logPageLen + 20 {
		w.happen(history.Event{Kind: history.AdminAction, Cause: "changed", Name: fmt.Sprint("device ", i)})
	}
	first := w.get(c, "/log?about=people").body
	m := regexp.MustCompile(`href="(/log\?[^"]*before[^"]*)"`).FindStringSubmatch(first)
	if m == nil || strings.Count(first, "<time ") != logPageLen {
		t.Fatal("there is no way to the rest")
	}
	rest := w.get(c, strings.ReplaceAll(m[1], "&amp;", "&")).body
	if strings.Count(rest, "<time ") != 20 || !strings.Contains(rest, "<b>device 0</b>") || strings.Contains(rest, "before=") {
		t.Error("the rest is not all that is left")
	}
}

func TestEveryKindOfEventHasATopicAndItsWords(t *testing.T) {
	all := languages.Load()
	causes := map[history.Kind][]string{
		history.Started: {"", "unclean"}, history.DeviceEnded: {"expired", "idle"},
		history.PortLost:      {"no-router", "no-igd", "refused", "private-wan", "carrier-nat", "no-wan", "router-broken"},
		history.DeviceRefused: {"disabled", "expired", "pending", "old-code", "removed", "unknown-key", "other-server"},
		history.AdminAction:   {"added", "changed", "enabled", "disabled", "removed", "new-code", "invited", "invite-opened", "forward-opened", "forward-on", "forward-off", "forward-removed", "port-closed", "by-hand", "not-by-hand", "dns-name", "dns-name-removed", "backup-made", "recovery-code", "nightly-backup", "removed-later", "kept", "settings", "second-step-on", "second-step-off", "second-step-removed", codesAnew, UserAdded, UserChanged, UserRemoved, PasswordChanged, PasswordReset, LoggedIn, LoginsEnded, TokenMade, TokenRevoked, PasskeyAdded, PasskeyRemoved},
		history.LoginRefused:  {account.RefusedPassword, account.RefusedNobody, account.RefusedCode, "token", "passkey"},
		history.Alert:         {"device"}, history.AlertOver: {"address"},
	}
	for _, k := range history.Kinds() {
		if topicOf(k) == "" {
			t.Errorf("%s has no topic", k)
		}
		list := causes[k]
		if list == nil {
			list = []string{""}
		}
		for _, l := range all.All() {
			said := map[string]string{}
			for _, cause := range list {
				text := EventText(l, history.Event{Kind: k, Cause: cause, Detail: "DETAIL", Place: "PLACE"})
				if text == string(k) || strings.Contains(text, "{{") || said[text] != "" {
					t.Errorf("%s %s in %s: %q, as %q", k, cause, l.Tag(), text, said[text])
				}
				said[text] = cause
			}
		}
	}
	english := all.Accepted("en")
	at := time.Date(2026, 3, 3, 9, 5, 0, 0, time.Local)
	if got := EventText(english, history.Event{Kind: history.DeviceRefused, Cause: "unknown-key", Count: 3, Last: at}); got != "Somebody with a code that is not known here was refused, from many places (3 times, last at 09:05)" {
		t.Errorf("%q", got)
	}
	if got := EventText(english, history.Event{Kind: history.AdminAction, Cause: "added", Actor: "anna"}); got != "Was added · anna" {
		t.Errorf("%q", got)
	}
}

func TestAnOpenPageHearsWhatHappens(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	resp, err := c.Get(w.url + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			lines <- s.Text()
		}
	}()
	<-lines // it has begun
	w.happen(history.Event{Kind: history.PortConflict})
	end := time.After(time.Minute)
	for found := false; ; {
		select {
		case line := <-lines:
			if line == "event: log" {
				found = true
				continue
			}
			var rows []logRow
			if !found || json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &rows) != nil {
				continue
			}
			if len(rows) != 1 || rows[0].Topic != "router" || !rows[0].Bad || !strings.Contains(rows[0].Text, "another machine") {
				t.Errorf("%+v", rows)
			}
			return
		case <-end:
			t.Fatal("nothing was heard")
		}
	}
}

// told is a history with traffic and sessions in it.
type told struct {
	*history.Recorder
	bars     map[history.Span][]history.Bar
	sessions []history.Session
	recent   map[peers.ID][history.RecentHours]uint64
	err      error
}

func (f told) Traffic(_ context.Context, _ peers.ID, span history.Span) ([]history.Bar, error) {
	return f.bars[span], f.err
}
func (f told) Sessions(context.Context, peers.ID, int) ([]history.Session, error) {
	return f.sessions, f.err
}
func (f told) Recent() map[peers.ID][history.RecentHours]uint64 { return f.recent }

func TestADevicesPageHasItsTrafficAndTimeline(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	p := w.addPeer("phone").Peer
	other := w.addPeer("laptop").Peer
	now := time.Now().Truncate(time.Second)
	f := told{Recorder: w.history, bars: map[history.Span][]history.Bar{}, recent: map[peers.ID][history.RecentHours]uint64{p.ID: {3: 1 << 20, 23: 1 << 20}}}
	for _, span := range history.Spans() {
		f.bars[span] = []history.Bar{{From: now.Add(-2 * time.Hour), Amount: history.Amount{Received: 1 << 20, Sent: 3 << 20}}, {From: now.Add(-time.Hour)}, {From: now, Amount: history.Amount{Sent: 5}}}
	}
	f.sessions = []history.Session{
		{First: now.Add(-time.Hour), Last: now, Place: "203.0.113.0/24"},
		{First: now.Add(-3 * time.Hour), Last: now.Add(-2 * time.Hour), Place: "192.168.1.0/24", Home: true},
		{First: now.Add(-30 * 24 * time.Hour), Last: now.Add(-29 * 24 * time.Hour), Place: "198.51.100.0/24"},
	}
	for i := range 2 * timelineLen {
		at := now.Add(-time.Duration(5+i) * time.Hour)
		f.sessions = append(f.sessions, history.Session{First: at, Last: at, Place: "203.0.113.0/24"})
	}
	w.page.cfg.History = f
	w.happen(history.Event{At: now.Add(-2 * time.Hour), Kind: history.DeviceRefused, Cause: "expired", Peer: p.ID, Place: "203.0.113.0/24"})
	page := w.get(c, peerURL(p.ID)).body
	for _, want := range []string{"In the last hour it got 3.0\u00a0MiB and sent 1.0\u00a0MiB", "In the last 30 days", `<rect class="got"`, `<rect class="sent"`, "<table>", `<th scope="row">`,
		"from outside (203.0.113.0/24)", "from inside the house", "since its time is over", "homeward v started", "data-log-house"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := strings.Count(page, "<time "); n != timelineLen {
		t.Errorf("the timeline has %d lines", n)
	}
	if strings.Contains(page, "198.51.100") {
		t.Error("the timeline goes back for ever")
	}
	outside, refused, inside := strings.Index(page, "from outside"), strings.Index(page, "time is over"), strings.Index(page, "from inside")
	if !(outside < refused && refused < inside) {
		t.Errorf("the timeline is not in order: %d %d %d", outside, refused, inside)
	}
	home := w.get(c, "/").body
	if strings.Count(home, `class="spark"`) != 1 || !strings.Contains(home, `aria-label="2.0`+"\u00a0"+`MiB in the last 24 hours"`) {
		t.Error("the list lacks the device's 24 hours, or has another's")
	}
	f.err = fmt.Errorf("the disk is gone")
	w.page.cfg.History = f
	if r := w.get(c, peerURL(other.ID)); r.status != 200 || !strings.Contains(r.body, "laptop") {
		t.Errorf("without a history: %d", r.status)
	}
}

func TestBarsFitTheirPicture(t *testing.T) {
	all := languages.Load()
	l := all.Accepted("en")
	at := time.Date(2026, 3, 3, 9, 5, 0, 0, time.Local)
	c := chartOf(l, history.SpanDay, []history.Bar{{From: at, Amount: history.Amount{Received: 25, Sent: 75}}, {From: at, Amount: history.Amount{Sent: 50}}, {From: at}, {From: at}})
	if b := c.Bars[0]; b.GotH != 105 || b.GotY != 35 || b.SentH != 35 || b.SentY != 0 {
		t.Errorf("the highest: %+v", b)
	}
	if b := c.Bars[1]; b.GotH != 70 || b.GotY != 70 || b.SentH != 0 {
		t.Errorf("half as high: %+v", b)
	}
	if last := c.Bars[3]; !last.Empty || last.X+last.W > chartWidth || len(c.Ticks) != 3 || c.Most != l.Size(100) {
		t.Errorf("%+v", c)
	}
	if c := chartOf(l, history.SpanDay, []history.Bar{{From: at}}); c.Most != "" {
		t.Errorf("nothing at all: %+v", c)
	}
	if s := sparkOf(l, [history.RecentHours]uint64{0: 1 << 30, 23: 1}); s.Path != "M2 24v-24.0M94 24v-1.5" {
		t.Errorf("%+v", s)
	}
}

func TestTheRateIsOfTheLastSeconds(t *testing.T) {
	all := languages.Load()
	l, now := all.Accepted("en"), time.Now()
	p := peers.Peer{ID: 1, Observed: peers.Observed{Endpoint: netip.MustParseAddrPort("203.0.113.5:1"), SentBytes: 1 << 30}}
	var r rates
	step := func(received, sent uint64) string {
		now = now.Add(2 * time.Second)
		p.Observed.ReceivedBytes, p.Observed.SentBytes = p.Observed.ReceivedBytes+received, p.Observed.SentBytes+sent
		text := r.of(l, p, now)
		r.next([]peers.Peer{p}, now)
		return text
	}
	for i, want := range []string{"", "now ↓ 2.0\u00a0MiB/s  ↑ 1.0\u00a0KiB/s", ""} {
		if got := step([]uint64{5, 2 << 10, 30}[i], []uint64{5, 4 << 20, 30}[i]); got != want {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
	p.Observed = peers.Observed{} // the device began anew
	if got := step(5, 5); got != "" {
		t.Errorf("after a restart: %q", got)
	}
}

func TestTheLogShowsWhatOnePersonDid(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	if page := w.get(c, "/log").body; strings.Contains(page, `name="by"`) {
		t.Error("people are offered before anybody did something")
	}
	w.happen(history.Event{Kind: history.AdminAction, Cause: "settings", Actor: "<anna>"})
	w.happen(history.Event{Kind: history.AdminAction, Cause: UserAdded, Name: "carl", Actor: "ben"})
	w.happen(history.Event{Kind: history.Started, Detail: "v"})
	w.happen(history.Event{Kind: history.AdminAction, Cause: "added", Name: "phone", Actor: "box"})
	for query, want := range map[string][3]bool{"": {true, true, true}, "?by=ben": {false, true, false}, "?by=%3Canna%3E": {true, false, false}, "?by=box": {false, false, true}, "?by=nobody": {true, true, true}, "?by=ben&about=devices": {}} {
		page := w.get(c, "/log"+query).body
		for i, part := range []string{"The settings of the house were changed · &lt;anna&gt;", "<b>carl</b> · May log in now · ben", "<b>phone</b> · Was added · On the box itself"} {
			if got := strings.Contains(page, part); got != want[i] {
				t.Errorf("%q has %q: %v, want %v", query, part, got, want[i])
			}
		}
	}
	page := w.get(c, "/log?by=ben").body
	for _, want := range []string{`<option value="ben" selected>ben`, `<option value="box">On the box itself`, `data-log-by="ben"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
