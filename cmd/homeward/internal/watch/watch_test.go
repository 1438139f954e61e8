package watch

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

// house is what the watcher looks at.
type house struct {
	router   upnp.Status
	joints   []api.Joint
	calls    []tunnel.Call
	arrivals tunnel.Arrivals
	peers    []peers.Peer
	former   map[wgtypes.Key]peers.Former
	before   map[history.Kind]history.Event
	news     []history.Event
}

func (h *house) watcher(t *testing.T) *Watcher {
	t.Helper()
	w, err := New(Config{
		Router: func() upnp.Status { return h.router }, Joints: func() []api.Joint { return h.joints },
		Calls: func(time.Time) []tunnel.Call { return h.calls }, Arrivals: func() tunnel.Arrivals { return h.arrivals },
		Peers:  func() []peers.Peer { return h.peers },
		Former: func(k wgtypes.Key) (peers.Former, bool) { f, ok := h.former[k]; return f, ok },
		Last:   func(k history.Kind) (history.Event, bool) { e, ok := h.before[k]; return e, ok },
		Publish: func(e history.Event) {
			h.news = append(h.news, e)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// said is what was told since the last time, in short.
func (h *house) said() string {
	var list []string
	for _, e := range h.news {
		list = append(list, strings.TrimRight(strings.Join([]string{string(e.Kind), e.Cause, e.Name, e.Detail, e.Place}, " "), " "))
	}
	h.news = nil
	return strings.Join(list, "; ")
}

func (h *house) want(t *testing.T, what, want string) {
	t.Helper()
	if got := h.said(); got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

var start = time.Unix(1_800_000_000, 0)

func mapped(addr string, renew time.Duration) upnp.Status {
	a := netip.MustParseAddr(addr)
	return upnp.Status{Verdict: upnp.Mapped, External: a, Mapping: &upnp.Mapping{External: netip.AddrPortFrom(a, 41234), RenewAfter: start.Add(renew)}}
}

func TestTheRoutersNewsAreToldOnce(t *testing.T) {
	h := &house{before: map[history.Kind]history.Event{history.AddressChanged: {Detail: "203.0.113.5"}}}
	w := h.watcher(t)
	other := mapped("203.0.113.9", 0)
	other.Port, other.Mapping.External = 57618, netip.AddrPortFrom(other.External, 57618)
	for _, step := range []struct {
		what, want string
		is         upnp.Status
	}{
		{"not known yet", "", upnp.Status{}},
		{"open at the old address", "port-open   203.0.113.5:41234", mapped("203.0.113.5", 0)},
		{"the same", "", mapped("203.0.113.5", 0)},
		{"renewed", "port-renewed", mapped("203.0.113.5", time.Hour)},
		{"elsewhere", "port-renewed; address-changed   203.0.113.9", mapped("203.0.113.9", 2*time.Hour)},
		{"taken", "port-conflict", upnp.Status{Verdict: upnp.Conflict}},
		{"still", "", upnp.Status{Verdict: upnp.Conflict}},
		{"gone", "port-lost no-router", upnp.Status{Verdict: upnp.NoRouter}},
		{"back at the same address", "port-open   203.0.113.9:41234", mapped("203.0.113.9", 0)},
		{"by another port", "port-open   203.0.113.9:57618", other},
		{"stopping", "", upnp.Off(41234)},
	} {
		h.router = step.is
		w.look(start)
		h.want(t, step.what, step.want)
	}
}

func TestAnAlertIsSteadyAndHasAnEnd(t *testing.T) {
	h := &house{joints: []api.Joint{{Key: "device", State: api.JointFailed, Summary: "No."}, {Key: "router", State: api.JointFailed}}}
	w := h.watcher(t)
	w.look(start)
	w.look(start.Add(29 * time.Second))
	h.want(t, "at first", "")
	w.look(start.Add(30 * time.Second))
	w.look(start.Add(35 * time.Second))
	h.want(t, "steady", "alert device  No.")
	h.joints[0].State = api.JointWorking
	w.look(start.Add(40 * time.Second))
	w.look(start.Add(45 * time.Second))
	h.want(t, "over", "alert-over device")
	h.joints[0].State = api.JointFailed
	w.look(start.Add(50 * time.Second))
	h.joints[0].State = api.JointWorking
	w.look(start.Add(55 * time.Second))
	w.look(start.Add(200 * time.Second))
	h.want(t, "a short one", "")
}

func TestWhoIsRefusedAndWhyIsTold(t *testing.T) {
	key := func(n byte) wgtypes.Key { return wgtypes.Key{n} }
	h := &house{
		peers: []peers.Peer{
			{ID: 1, Name: "anna", PublicKey: key(1), State: peers.Disabled},
			{ID: 2, Name: "bert", PublicKey: key(2), State: peers.Expired, Enabled: true},
			{ID: 3, Name: "carl", PublicKey: key(3), State: peers.Active, Enabled: true},
		},
		former: map[wgtypes.Key]peers.Former{key(4): {ID: 3, Name: "carl"}, key(5): {ID: 9, Name: "dora"}},
	}
	for n := byte(1); n <= 7; n++ {
		c := tunnel.Call{Key: key(n), From: netip.MustParseAddrPort("198.51.100.7:1"), Last: start.Add(15 * time.Second), Tries: 2}
		if n == 7 {
			c.Answers = 1
		}
		h.calls = append(h.calls, c)
	}
	w := h.watcher(t)
	w.called = start
	w.look(start.Add(20 * time.Second))
	h.want(t, "callers", "device-refused disabled anna  198.51.100.0/24; device-refused expired bert  198.51.100.0/24; "+
		"device-refused old-code carl  198.51.100.0/24; device-refused removed dora  198.51.100.0/24; device-refused unknown-key   198.51.100.0/24")
	w.look(start.Add(40 * time.Second))
	h.want(t, "the same calls", "")
	h.arrivals.Sources = []tunnel.ArrivalSource{{Addr: netip.MustParseAddr("203.0.113.7")}}
	w.look(start.Add(45 * time.Second))
	h.want(t, "somebody with our key", "")
	h.arrivals.Sources[0].Classes[tunnel.WrongKey].Count = 3
	w.look(start.Add(46 * time.Second))
	w.look(start.Add(47 * time.Second))
	h.want(t, "another server's key", "device-refused other-server   203.0.113.0/24")
}

func TestTheWatcherLooksUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		h := &house{router: mapped("203.0.113.5", 0)}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		w := h.watcher(t)
		go func() { done <- w.Run(ctx) }()
		time.Sleep(time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		h.want(t, "in a minute", "port-open   203.0.113.5:41234; address-changed   203.0.113.5")
	})
}
