package peers_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
	"homeward/peers/peerstest"
)

// modelPeer is what a slow and obvious bookkeeper knows of a peer.
type modelPeer struct {
	name, note      string
	access          peers.Access
	profile         peers.Profile
	enabled         bool
	expires         time.Time
	addresses       []netip.Addr
	key, next       wgtypes.Key
	said, nextSaid  modelCode
	ownKey, ownNext bool
	version         int64
}

// modelCode is what of a code can become wrong in this test.
type modelCode struct {
	port      uint16
	mtu       int
	profile   peers.Profile
	keepalive time.Duration
}

// modelWorld is a manager, its model, and what goes on around them.
type modelWorld struct {
	t       *testing.T
	rand    *rand.Rand
	db      *sql.DB
	dev     *peerstest.Device
	facts   *changing
	m       *peers.Manager
	stop    func()
	peers   map[peers.ID]*modelPeer
	invites map[peers.ID]string
	check   func(peers.ClientConfig) // of each config
}

func (w *modelWorld) start() {
	w.m = newManager(w.t, w.db, w.dev, w.facts.use)
	w.stop = run(w.t, w.m)
	synctest.Wait()
}

func (w *modelWorld) now() modelCode {
	f := w.facts.now.Load()
	return modelCode{f.Endpoint.Port, f.MTU, "", 25 * time.Second}
}

func (w *modelWorld) code(p *modelPeer) modelCode {
	c := w.now()
	c.profile = p.profile
	return c
}

// any picks a peer, or sometimes one that does not exist.
func (w *modelWorld) any() (peers.ID, *modelPeer) {
	ids := slices.Sorted(maps.Keys(w.peers))
	if len(ids) == 0 || w.rand.IntN(20) == 0 {
		return 9999, nil
	}
	id := ids[w.rand.IntN(len(ids))]
	return id, w.peers[id]
}

func (w *modelWorld) name() string {
	n := fmt.Sprint("Device ", w.rand.IntN(12))
	if w.rand.IntN(3) == 0 {
		n = strings.ToUpper(n) + " "
	}
	return n
}

func (w *modelWorld) taken(name string, except peers.ID) bool {
	for id, p := range w.peers {
		if id != except && strings.EqualFold(p.name, strings.TrimSpace(name)) {
			return true
		}
	}
	return false
}

// lowest is the lowest free address, found by trying one after the other.
func (w *modelWorld) lowest(first string) netip.Addr {
	for a := netip.MustParseAddr(first); ; a = a.Next() {
		used := false
		for _, p := range w.peers {
			used = used || slices.Contains(p.addresses, a)
		}
		if !used {
			return a
		}
	}
}

// want compares a refusal with the model's.
func (w *modelWorld) want(what string, err, want error) (done bool) {
	w.t.Helper()
	if !errors.Is(err, want) || (err != nil) != (want != nil) {
		w.t.Fatalf("%s: %v, want %v", what, err, want)
	}
	return want == nil
}

func (w *modelWorld) create() {
	n := peers.NewPeer{Name: w.name(), Profile: []peers.Profile{peers.ProfileHome, peers.ProfileEverything}[w.rand.IntN(2)]}
	if w.rand.IntN(4) == 0 {
		key := newPublicKey(w.t)
		n.PublicKey = &key
	}
	if w.rand.IntN(4) == 0 {
		n.Expires = time.Now().Add(time.Duration(1+w.rand.IntN(100)) * time.Second)
	}
	issued, err := w.m.Create(w.t.Context(), n)
	var want error
	if w.taken(n.Name, 0) {
		want = peers.ErrNameTaken
	}
	if !w.want("create "+n.Name, err, want) {
		return
	}
	p := &modelPeer{name: strings.TrimSpace(n.Name), access: peers.AccessEverything, profile: n.Profile, enabled: true, ownKey: n.PublicKey != nil, version: 1,
		addresses: []netip.Addr{w.lowest("10.6.0.2"), w.lowest("fd00:6::2")}, key: issued.Peer.PublicKey}
	if !n.Expires.IsZero() {
		p.expires = time.Unix(n.Expires.Unix(), 0).UTC()
	}
	p.said = w.code(p)
	w.peers[issued.Peer.ID] = p
	w.check(issued.Client)
}

func (w *modelWorld) edit() {
	id, p := w.any()
	c, version := peers.Change{}, int64(0)
	var want error
	if p == nil {
		_, err := w.m.Edit(w.t.Context(), id, 0, c)
		w.want("edit nobody", err, peers.ErrNotFound)
		return
	}
	after := *p
	switch w.rand.IntN(6) {
	case 0:
		c.Name = new(w.name())
		after.name = strings.TrimSpace(*c.Name)
		if w.taken(*c.Name, id) {
			want = peers.ErrNameTaken
		}
	case 1:
		after.note = fmt.Sprint(w.rand.IntN(3))
		c.Note = &after.note
	case 2:
		after.access = []peers.Access{peers.AccessEverything, peers.AccessHome, peers.AccessInternet}[w.rand.IntN(3)]
		c.Access = &after.access
	case 3:
		after.profile = []peers.Profile{peers.ProfileHome, peers.ProfileEverything}[w.rand.IntN(2)]
		c.Profile = &after.profile
	case 4:
		after.enabled = w.rand.IntN(2) == 0
		c.Enabled = &after.enabled
	case 5:
		after.expires = time.Unix(time.Now().Unix()+int64(1+w.rand.IntN(100)), 0).UTC()
		c.Expires = &after.expires
	}
	if w.rand.IntN(2) == 0 {
		if version = p.version; w.rand.IntN(4) == 0 {
			version, want = version+1, peers.ErrConflict
		}
	}
	_, err := w.m.Edit(w.t.Context(), id, version, c)
	if !w.want("edit", err, want) {
		return
	}
	if fmt.Sprint(after) != fmt.Sprint(*p) {
		after.version++
	}
	*p = after
}

func (w *modelWorld) rotate() {
	id, p := w.any()
	issued, err := w.m.Rotate(w.t.Context(), id)
	if p == nil {
		w.want("rotate nobody", err, peers.ErrNotFound)
		return
	}
	w.want("rotate", err, nil)
	if p.ownKey && (p.next == (wgtypes.Key{}) || p.ownNext) {
		w.check(issued.Client)
		p.said = w.code(p)
		p.version++
		return
	}
	w.renewed(p, issued, nil)
}

// renewed notes another key: the one that the device brought, or one of the code's.
func (w *modelWorld) renewed(p *modelPeer, issued peers.Issued, brought *wgtypes.Key) {
	w.check(issued.Client)
	p.version++
	p.nextSaid, p.ownNext = w.code(p), brought != nil
	if brought != nil {
		p.next = *brought
		return
	}
	p.next = issued.Client.PrivateKey.Public()
}

func (w *modelWorld) invite() {
	id, p := w.any()
	i, err := w.m.Invite(w.t.Context(), id, 0)
	var want error
	if p == nil {
		want = peers.ErrNotFound
	}
	if w.want("invite", err, want) {
		w.invites[id] = i.Token
	}
}

func (w *modelWorld) open() {
	for id, token := range w.invites {
		var brought *wgtypes.Key
		var issued peers.Issued
		var err error
		if w.rand.IntN(2) == 0 {
			key := newPublicKey(w.t)
			brought = &key
			issued, err = w.m.OpenInviteTo(w.t.Context(), token, key)
		} else {
			issued, _, err = w.m.OpenInvite(w.t.Context(), token)
		}
		p := w.peers[id]
		delete(w.invites, id)
		if p == nil {
			w.want("an invite of a removed peer", err, peers.ErrInvite)
		} else if w.want("open", err, nil) {
			w.renewed(p, issued, brought)
		}
		_, _, err = w.m.OpenInvite(w.t.Context(), token)
		w.want("open again", err, peers.ErrInvite)
		return
	}
}

// use has a device show up with its new code.
func (w *modelWorld) use() {
	_, p := w.any()
	if p == nil || p.next == (wgtypes.Key{}) {
		return
	}
	w.dev.Observe(p.next, peers.Observed{LastHandshake: time.Now()})
	time.Sleep(2 * time.Second)
	synctest.Wait()
	p.key, p.said, p.ownKey, p.next, p.nextSaid = p.next, p.nextSaid, p.ownNext, wgtypes.Key{}, modelCode{}
	p.version++
}

func (w *modelWorld) remove() {
	id, p := w.any()
	err := w.m.Remove(w.t.Context(), id)
	if p == nil {
		w.want("remove nobody", err, peers.ErrNotFound)
		return
	}
	w.want("remove", err, nil)
	delete(w.peers, id)
}

// compare holds everything against the model.
func (w *modelWorld) compare(step string) {
	w.t.Helper()
	list := w.m.List()
	if len(list) != len(w.peers) {
		w.t.Fatalf("%s: %d peers, want %d", step, len(list), len(w.peers))
	}
	wanted := map[wgtypes.Key]bool{}
	for _, got := range list {
		p := w.peers[got.ID]
		if p == nil {
			w.t.Fatalf("%s: peer %d is not known", step, got.ID)
		}
		in := p.enabled && (p.expires.IsZero() || time.Now().Before(p.expires))
		state := peers.Active
		switch {
		case !p.enabled:
			state = peers.Disabled
		case !in:
			state = peers.Expired
		}
		have := fmt.Sprint(got.Name, got.Note, got.Access, got.Profile, got.Enabled, got.Expires, got.Addresses, got.PublicKey, got.Next.PublicKey, got.Version, got.State, got.OwnKey, got.NeedsCode)
		want := fmt.Sprint(p.name, p.note, p.access, p.profile, p.enabled, p.expires, p.addresses, p.key, p.next, p.version, state, p.ownKey, w.reasons(p))
		if have != want {
			w.t.Fatalf("%s: peer %d is\n%s, want\n%s", step, got.ID, have, want)
		}
		if in {
			wanted[p.key] = true
			if p.next != (wgtypes.Key{}) {
				wanted[p.next] = true
			}
		}
	}
	inDevice := map[wgtypes.Key]bool{}
	for _, d := range w.dev.Peers() {
		inDevice[d.PublicKey] = true
	}
	if !maps.Equal(inDevice, wanted) {
		w.t.Fatalf("%s: the device has %v, want %v", step, inDevice, wanted)
	}
}

func (w *modelWorld) reasons(p *modelPeer) []peers.Reason {
	list := []peers.Reason{}
	now := w.code(p)
	for _, r := range []struct {
		reason peers.Reason
		is     bool
	}{{peers.ReasonPort, p.said.port != now.port}, {peers.ReasonProfile, p.said.profile != now.profile}, {peers.ReasonMTU, p.said.mtu != now.mtu}} {
		if r.is {
			list = append(list, r.reason)
		}
	}
	return list
}

// TestRandomHistoriesAgreeWithASlowModel does anything in any order, restarts in
// between, and compares after each step. What was acknowledged is never lost;
// names and addresses are unique; the ledger is right.
func TestRandomHistoriesAgreeWithASlowModel(t *testing.T) {
	if _, err := exec.LookPath("wg-quick"); err != nil {
		t.Skip("wg-quick is not installed (Debian: wireguard-tools)")
	}
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			var configs []peers.ClientConfig
			db := openDB(t)
			synctest.Test(t, func(t *testing.T) {
				w := &modelWorld{t: t, rand: rand.New(rand.NewPCG(seed, 5)), db: db, dev: peerstest.NewDevice(), facts: newChanging(),
					peers: map[peers.ID]*modelPeer{}, invites: map[peers.ID]string{},
					check: func(c peers.ClientConfig) { configs = append(configs, c) }}
				w.start()
				for i := range 250 {
					step := ""
					switch n := w.rand.IntN(20); {
					case n < 6:
						step = "create"
						w.create()
					case n < 11:
						step = "edit"
						w.edit()
					case n < 13:
						step = "rotate"
						w.rotate()
					case n == 13:
						step = "invite"
						w.invite()
					case n == 14:
						step = "open"
						w.open()
					case n == 15:
						step = "use"
						w.use()
					case n == 16:
						step = "remove"
						w.remove()
					case n == 17:
						step = "home changes"
						w.facts.change(func(f *peers.Facts) {
							f.MTU = 1280 + w.rand.IntN(2)
							f.Endpoint.Port = uint16(51820 + w.rand.IntN(2))
						})
					case n == 18:
						step = "time passes"
						time.Sleep(time.Duration(w.rand.IntN(30)) * time.Second)
						synctest.Wait()
					default:
						step = "restart"
						w.stop()
						w.start()
					}
					synctest.Wait()
					w.compare(fmt.Sprintf("%d: %s", i, step))
				}
				w.stop()
			})
			for _, c := range configs {
				requireSameModel(t, peers.Plain(c), mustText(t, c))
				requireWGQuickReads(t, c)
			}
			t.Logf("%d configs", len(configs))
			if len(configs) < 30 {
				t.Errorf("only %d configs were made", len(configs))
			}
		})
	}
}
