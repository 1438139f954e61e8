package main

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/cmd/homeward/internal/phonetest"
	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

const (
	// testLasts is how long a test goes on before a look at it begins another one.
	testLasts = 30 * time.Minute
	maxTests  = 64
)

// peerTests are the devices' tests: since when each is watched, and what was
// counted then.
type peerTests struct {
	a *appliance

	mu      sync.Mutex // guards windows and what is in them
	windows map[peers.ID]*testWindow
}

// testWindow is one test.
type testWindow struct {
	began     time.Time
	next      wgtypes.Key // of the code that waited then
	connected time.Time   // when that was seen first; zero: not yet
	before    counted
}

// counted is what the tunnel counted of a device.
type counted struct {
	from, to, dropped uint64
	reasons           []uint64 // as tunnel.Reasons has them
	names             tunnel.NameTally
	passed, repeated  uint64
}

// BeginTest implements api.Tester.
func (k *peerTests) BeginTest(p peers.Peer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.beginLocked(p, time.Now())
}

func (k *peerTests) beginLocked(p peers.Peer, now time.Time) *testWindow {
	if k.windows == nil {
		k.windows = map[peers.ID]*testWindow{}
	}
	if len(k.windows) >= maxTests && k.windows[p.ID] == nil {
		var oldest peers.ID
		for id, w := range k.windows {
			if first := k.windows[oldest]; first == nil || w.began.Before(first.began) {
				oldest = id
			}
		}
		delete(k.windows, oldest)
	}
	w := &testWindow{began: now, next: p.Next.PublicKey, before: k.a.counted(p)}
	k.windows[p.ID] = w
	if k.a.mapper != nil {
		k.a.mapper.Look() // the test tells whether the router still has the port
	}
	return w
}

// Test implements api.Tester.
func (k *peerTests) Test(p peers.Peer) api.PeerTest {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	w := k.windows[p.ID]
	fresh := w != nil && p.Renewing() && p.Next.PublicKey != w.next
	if w == nil || fresh || now.Sub(w.began) > testLasts {
		w = k.beginLocked(p, now)
	}
	v := phonetest.Diagnose(k.a.testEvidence(p, w, now))
	t := api.PeerTest{Began: w.began.UTC(), State: api.TestState(v.State), Stopped: string(v.Stopped), Cause: string(v.Cause), Name: v.Name, Reason: v.Reason, Router: v.Advice}
	for _, s := range v.Steps {
		t.Steps = append(t.Steps, api.TestStep{Stage: string(s.Stage), State: api.TestState(s.State)})
	}
	return t
}

// testEvidence collects what was observed since a test began.
func (a *appliance) testEvidence(p peers.Peer, w *testWindow, now time.Time) phonetest.Evidence {
	t, router := a.tunnel.Status(), a.router()
	in := insider{router.WAN, a.networks.Load().home}
	e := phonetest.Evidence{Elapsed: now.Sub(w.began), Up: t.Up, Admission: admission(p), Calls: a.callsFor(p, w.began, in)}
	for _, s := range t.Arrivals.Sources {
		inside := in.has(s.Addr)
		since := func(c tunnel.ArrivalClass) bool { return !s.Classes[c].Last.Before(w.began) }
		switch {
		case since(tunnel.WrongKey):
			e.Knocks = append(e.Knocks, phonetest.Knock{Inside: inside})
		case !inside && (since(tunnel.TooShort) || since(tunnel.Junk) || since(tunnel.StrayData)):
			e.Strangers++
		}
	}
	inner := a.counted(p).since(w.before)
	e.Inner = inner
	if s, ok := sessionOf(a.tunnel.Peers(), p, w.began, inner.From > 0 || inner.Dropped > 0, in); ok {
		if w.connected.IsZero() {
			w.connected = now
		}
		s.Age = now.Sub(w.connected)
		e.Session = &s
	}
	e.Door, e.DoorAdvice = a.door(t, router)
	return e
}

// sessionOf is the device's session among those of the tunnel, if it was begun or used
// since then.
func sessionOf(list []tunnel.PeerStatus, p peers.Peer, since time.Time, used bool, in insider) (phonetest.Session, bool) {
	var s phonetest.Session
	found := false
	for _, t := range list {
		mine := t.PublicKey == p.PublicKey
		if !mine && (t.PublicKey != p.Next.PublicKey || !p.Renewing()) {
			continue
		}
		if t.LastHandshake.Before(since) && !(mine && used) {
			continue
		}
		if found && mine {
			continue // the new code counts
		}
		found = true
		s = phonetest.Session{Inside: in.has(t.Endpoint.Addr()), OldCode: mine && p.Renewing(), Moved: mine && slices.Contains(p.NeedsCode, peers.ReasonAddress)}
	}
	return s, found
}

// callsFor says who called since then, as p's test sees it.
func (a *appliance) callsFor(p peers.Peer, since time.Time, in insider) []phonetest.Call {
	var list []phonetest.Call
	for _, c := range a.tunnel.Calls(since) {
		call := phonetest.Call{Inside: in.has(c.From.Addr()), Tries: c.Tries, Answers: c.Answers}
		former, ended := a.peers.Former(c.Key)
		switch {
		case c.Key == p.PublicKey, p.Renewing() && c.Key == p.Next.PublicKey:
			call.Who = phonetest.This
		case ended && former.ID == p.ID:
			call.Who = phonetest.Replaced
		case ended:
			call.Who, call.Name = phonetest.Removed, string(former.Name)
		default:
			all := a.peers.List()
			i := slices.IndexFunc(all, func(o peers.Peer) bool { return o.PublicKey == c.Key || o.Renewing() && o.Next.PublicKey == c.Key })
			if i >= 0 {
				call.Who, call.Name = phonetest.Another, string(all[i].Name)
			}
		}
		list = append(list, call)
	}
	return list
}

func admission(p peers.Peer) phonetest.Admission {
	switch {
	case p.State == peers.Expired:
		return phonetest.Expired
	case p.IdledOut:
		return phonetest.Idled
	case !p.Enabled:
		return phonetest.Disabled
	case p.State == peers.Pending:
		return phonetest.Pending
	}
	return phonetest.Admitted
}

// door is what is known of the router's port, and what to do about it.
func (a *appliance) door(t tunnel.Status, router upnp.Status) (phonetest.Door, string) {
	list, home := a.peers.List(), a.networks.Load().home
	_, proven := evidence(list, a.otherProofs(router, time.Now()), router, home, time.Now())
	return doorOf(portJoint(t, router, a.callAt(router), proven), router, proven)
}

// doorOf is the same by what is said of the port.
func doorOf(j api.Joint, router upnp.Status, proven bool) (phonetest.Door, string) {
	switch j.State {
	case api.JointWorking:
		if j.Advice == "" && !proven {
			j.Advice = router.Blocked() // where nothing comes through all the same
		}
		return phonetest.DoorMapped, j.Advice
	case api.JointFailed, api.JointAttention:
		return phonetest.DoorShut, j.Advice
	}
	return phonetest.DoorUnknown, j.Advice
}

// insider knows which addresses are the house's own.
type insider struct {
	wan  netip.Addr // the router's
	home []netip.Prefix
}

// has says whether who calls from there is in the house: from one of its networks
// (at home, IPv6 addresses are public), or by a hairpin in the router.
func (i insider) has(from netip.Addr) bool {
	from = from.Unmap()
	return !from.IsGlobalUnicast() || from.IsPrivate() || from == i.wan ||
		slices.ContainsFunc(i.home, func(n netip.Prefix) bool { return n.Contains(from) })
}

// counted is what the tunnel counted of a device so far, by its key or the next.
func (a *appliance) counted(p peers.Peer) counted {
	c := counted{names: a.tunnel.Names(p.Addresses), reasons: make([]uint64, len(tunnel.Reasons()))}
	for _, o := range a.tunnel.Counters().Peers {
		if o.ID != p.PublicKey && (o.ID != p.Next.PublicKey || !p.Renewing()) {
			continue
		}
		c.from += o.FromPeer.Packets
		c.to += o.ToPeer.Packets
		c.passed += o.Large.Passed
		c.repeated += o.Large.Repeated
		c.dropped += o.Drops.Total()
		for i, r := range tunnel.Reasons() {
			c.reasons[i] += o.Drops.Of(r)
		}
	}
	return c
}

// since is what was counted after before. A device that came into use anew was
// counted from zero.
func (c counted) since(before counted) phonetest.Inner {
	more := func(now, then uint64) uint64 {
		if now < then {
			return now
		}
		return now - then
	}
	in := phonetest.Inner{
		From: more(c.from, before.from), To: more(c.to, before.to), Dropped: more(c.dropped, before.dropped),
		Answered: more(c.names.Answered, before.names.Answered), Refused: more(c.names.Refused, before.names.Refused), Failed: more(c.names.Failed, before.names.Failed),
		LargePassed: more(c.passed, before.passed), LargeRepeated: more(c.repeated, before.repeated),
	}
	most := uint64(0)
	for i, r := range tunnel.Reasons() {
		if n := more(c.reasons[i], before.reasons[i]); n > most {
			most, in.Reason = n, r.String()
		}
	}
	return in
}
