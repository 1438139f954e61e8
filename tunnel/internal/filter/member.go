package filter

import (
	"net/netip"
	"sync"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// ID names a peer: its public key.
type ID = wgtypes.Key

// Peer is what the filter has to know of one peer.
type Peer struct {
	ID        ID
	Addresses []netip.Addr // inner addresses that are the peer's own
	Access    Access
}

// member is a peer with all that is remembered of it. It lives as long as the
// peer does, through all changes.
type member struct {
	id ID

	mu        sync.Mutex // guards what follows; no two members' are held together
	policy    *policy    // nil: the peer is out
	addresses []netip.Addr
	access    Access
	table     table
	pieces    datagrams
	counts    counts
	watch     watch
}

// counts is what is counted of one peer.
type counts struct {
	traffic [directions]Traffic
	drops   [reasons]uint64
}

// direction is from whom to whom a packet goes.
type direction uint8

const (
	fromPeer direction = iota
	toPeer
	directions
)

func (d direction) opposite() direction { return 1 - d }

// follow makes m obey p and forgets what p does not allow. recheck says that
// open flows may be concerned.
func (m *member) follow(p *policy, peer *Peer, recheck bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.policy = p
	if peer != nil {
		m.addresses, m.access = peer.Addresses, peer.Access
	}
	if recheck {
		m.table.keep(func(k *key) bool { return p.decide(m, k) == passed })
	}
}

// leave forgets everything.
func (m *member) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.policy, m.pieces, m.watch.fl = nil, nil, nil
	m.table.keep(func(*key) bool { return false })
}
