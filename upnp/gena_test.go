package upnp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homeward/upnp/routertest"
)

func withEvents() routertest.Options { return routertest.Options{Events: true} }

// subscribers waits until so many have subscribed.
func subscribers(t *testing.T, r *routertest.Router, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); len(r.Subscribers()) != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("subscribed: %v instead of %d", r.Subscribers(), n)
		}
	}
}

// Only what comes from the router, for this subscription, and is news, counts.
func TestEventsOfTheRouterAloneAreHeard(t *testing.T) {
	for name, tt := range map[string]struct {
		event  routertest.Event
		answer int
		heard  bool
	}{
		"an event":                      {routertest.Event{Body: "<e:propertyset/>"}, 200, true},
		"an event that makes no sense":  {routertest.Event{Body: "\x00<<<"}, 200, true},
		"how things are at first":       {routertest.Event{SEQ: "0"}, 200, false},
		"of another subscription":       {routertest.Event{SID: "uuid:other"}, 412, false},
		"not an event":                  {routertest.Event{NTS: "ssdp:alive"}, 412, false},
		"to another place":              {routertest.Event{Path: "/"}, 404, false},
		"by another method":             {routertest.Event{Method: "POST"}, 405, false},
		"huge":                          {routertest.Event{Body: strings.Repeat("x", maxBody+1)}, 413, false},
		"from another host in the LAN":  {routertest.Event{From: netip.MustParseAddr("127.0.0.9")}, 0, false},
		"from us, though we are nobody": {routertest.Event{From: netip.MustParseAddr(self)}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, withEvents())
			heard := make(chan struct{}, 1)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- hearEvents(ctx, loop(r), eventsOf(t, r), make(turn, 1), note(heard)) }()
			subscribers(t, r, 1)
			knowsItsName(t, r)
			if got := r.Notify(tt.event); !slices.Equal(got, []int{tt.answer}) {
				t.Errorf("answered %v", got)
			}
			if got := len(heard) == 1; got != tt.heard { // before it was answered
				t.Errorf("heard: %t", got)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if left := r.Subscribers(); len(left) > 0 {
				t.Errorf("still subscribed: %v", left)
			}
		})
	}
}

// knowsItsName waits until we have heard what the router calls our subscription.
func knowsItsName(t *testing.T, r *routertest.Router) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !slices.Equal(r.Notify(routertest.Event{SID: "uuid:wrong", SEQ: "0"}), []int{412}); {
		if time.Now().After(end) {
			t.Fatal("any name of a subscription does")
		}
	}
}

// eventsOf is where a router is subscribed to.
func eventsOf(t *testing.T, r *routertest.Router) *url.URL {
	t.Helper()
	s := open(t, r).(*igdSession)
	if s.events == nil {
		t.Fatal("the description names no events")
	}
	return s.events
}

// T44: by UPnP alone another address is known long before the minute's question.
func TestAnEventHasTheRouterAsked(t *testing.T) {
	r := routertest.New(t, withEvents())
	m, stop := running(t, against(r))
	until(t, m, "mapping", verdict(Mapped))
	subscribers(t, r, 1)
	r.SetWAN("81.2.69.9")
	begun := time.Now()
	r.Notify(routertest.Event{})
	until(t, m, "new address", func(s Status) bool { return s.External.String() == "81.2.69.9" })
	if took := time.Since(begun); took > hintSpread+3*time.Second {
		t.Errorf("known after %v", took)
	}
	stop()
	if left := r.Subscribers(); len(left) > 0 {
		t.Errorf("still subscribed: %v", left)
	}
}

// Whatever the router does with subscriptions, the mapping stands.
func TestARouterThatTellsNoEventsIsMappedAllTheSame(t *testing.T) {
	for name, reply := range map[string]routertest.Reply{
		"refused":          {Status: 501},
		"a fault":          {Status: 500},
		"a redirect":       {Status: 302},
		"no name":          {Header: map[string]string{"SID": ""}},
		"a name too long":  {Header: map[string]string{"SID": strings.Repeat("x", maxSID+1)}},
		"a connection cut": {Drop: true},
		"no answer":        {Delay: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, withEvents())
			r.Always(routertest.Subscribe, always(reply))
			m, stop := running(t, against(r))
			begun := time.Now()
			until(t, m, "mapping", verdict(Mapped))
			if took := time.Since(begun); took > 20*time.Second {
				t.Errorf("mapped after %v", took)
			}
			r.Await(routertest.Subscribe, 1)
			begun = time.Now()
			stop()
			if took := time.Since(begun); took > releaseTime+5*time.Second || r.Calls(routertest.Subscribe) != 1 {
				t.Errorf("stopped after %v, asked %d times", took, r.Calls(routertest.Subscribe))
			}
		})
	}
}

// requests is a transport that answers by itself.
type requests func(*http.Request) (status int, header http.Header)

func (f requests) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == "" {
		return nil, errors.New("no method")
	}
	status, header := f(r)
	return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: r}, nil
}

// A subscription is renewed at half its time, begun anew where the router forgot it,
// and tried again after a failure.
func TestASubscriptionIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var asked []string
		answers := []struct {
			status int
			sid    string
			lasts  string
		}{{200, "uuid:1", "Second-600"}, {200, "", "Second-600"}, {412, "", ""}, {200, "uuid:2", "infinite"}, {503, "", ""}, {200, "uuid:3", "Second-1"}, {200, "", "Second-600"}}
		s := newSubscription(Gateway{}, &url.URL{Scheme: "http", Host: "192.168.1.1", Path: "/evt"}, netip.MustParseAddrPort("192.168.1.10:5000"), func() {})
		s.client.Transport = requests(func(r *http.Request) (int, http.Header) {
			asked = append(asked, fmt.Sprintf("%v %s %s", time.Since(start), r.Method, map[string][]string(r.Header)["SID"]))
			if len(asked) > len(answers) {
				return 200, nil
			}
			a := answers[len(asked)-1]
			return a.status, http.Header{"Sid": {a.sid}, "Timeout": {a.lasts}}
		})
		ctx, stop := context.WithTimeout(t.Context(), 40*time.Minute)
		defer stop()
		if err := s.keep(ctx, make(turn, 1)); err != nil {
			t.Error(err)
		}
		s.end(t.Context())
		want := []string{"0s SUBSCRIBE []", "5m0s SUBSCRIBE [uuid:1]", "10m0s SUBSCRIBE [uuid:1]", "10m0s SUBSCRIBE []",
			"25m0s SUBSCRIBE [uuid:2]", "25m0s SUBSCRIBE []", "25m30s SUBSCRIBE [uuid:3]"}
		for i, line := range want {
			if i >= len(asked) || asked[i] != line {
				t.Fatalf("asked %q, want %q", asked, want)
			}
		}
		if last := asked[len(asked)-1]; !strings.HasSuffix(last, "UNSUBSCRIBE [uuid:3]") {
			t.Errorf("at the end %q", last)
		}
	})
}

// What was found anew is subscribed to anew, and the one of before is over by then.
func TestOneSubscriptionAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, most, all := 0, 0, []string(nil)
		side := &side{hearEvents: func(ctx context.Context, _ Gateway, service *url.URL, _ turn, heard func()) error {
			now++
			most, all = max(most, now), append(all, service.Path)
			heard()
			<-ctx.Done()
			now--
			return nil
		}}
		k := &keeper{m: &Mapper{turn: make(turn, 1), log: slog.New(slog.DiscardHandler)}, side: side, stopping: t.Context(), ears: newEars()}
		for _, path := range []string{"/1", "/2", "/2"} {
			k.candidates = []session{&memory{}, &igdSession{events: &url.URL{Path: path}}}
			k.hearEvents()
			synctest.Wait()
		}
		k.ears.listen(t.Context(), side, Gateway{}, k.m.log) // another network
		if len(k.ears.announced) != 1 || most != 1 || now != 0 || !slices.Equal(all, []string{"/1", "/2", "/2"}) {
			t.Errorf("heard: %d, %d at once, %d left, %q", len(k.ears.announced), most, now, all)
		}
		k.ears.close()
	})
}

func TestHowLongASubscriptionLasts(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"Second-1800": 30 * time.Minute, "second-3600": time.Hour, "Second-infinite": subscribeFor, "infinite": subscribeFor, "": subscribeFor,
		"Second-0": leastSubscribed, "Second-99999999": mostSubscribed, "Second--5": subscribeFor, "Second-99999999999999999999": subscribeFor,
	} {
		if got := subscribed(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
