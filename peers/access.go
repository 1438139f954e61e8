package peers

import (
	"context"
	"fmt"
)

// Access says what a peer may reach, whatever its config asks for. It is enforced
// at home, for IPv4 and IPv6 alike: the AllowedIPs in a client's file are no
// firewall. Names can always be looked up; other peers and the box's own services
// are never included.
type Access string

// The kinds of access. The zero Access of a NewPeer means AccessEverything.
const (
	AccessEverything Access = "everything" // what is at home, and the internet
	AccessHome       Access = "home"       // what is at home
	AccessInternet   Access = "internet"   // the internet, and nothing at home
)

// ParseAccess reads the name of a kind of access; an empty one is AccessEverything.
func ParseAccess(s string) (Access, error) {
	switch a := Access(s); a {
	case "":
		return AccessEverything, nil
	case AccessEverything, AccessHome, AccessInternet:
		return a, nil
	}
	return "", fieldErrorf("access", "%.40q is not a kind of access: use %q, %q or %q", s, AccessEverything, AccessHome, AccessInternet)
}

// SetAccess changes what a peer may reach, and returns it as it is then. What it
// may not reach any more is cut at once, open flows included. The change is on
// the disk when SetAccess returns without an error or with ErrNotApplied; the
// latter means that the device has not taken it yet, and that Run keeps trying.
func (m *Manager) SetAccess(ctx context.Context, id ID, access Access) (Peer, error) {
	access, err := ParseAccess(string(access))
	if err != nil {
		return Peer{}, err
	}
	m.write.Lock()
	defer m.write.Unlock()
	p, err := m.findLocked(ctx, id)
	if err != nil {
		return Peer{}, err
	}
	changed := p.Access != access
	if changed {
		if err := m.store.setAccess(context.WithoutCancel(ctx), p, access); err != nil {
			return Peer{}, fmt.Errorf("changing device %d: %w", id, m.failedLocked(ctx, err))
		}
		p.Access, p.Version = access, p.Version+1
		m.peers[id] = p
		m.cfg.Logger.Info("access of a device changed", "peer", id, "name", string(p.Name), "access", string(access))
	}
	var refused error
	if changed || !m.settled {
		refused = m.pushOrRetryLocked()
	}
	if p, err = m.Get(id); refused != nil {
		err = fmt.Errorf("changing the access of device %q: %w: %w", p.Name, ErrNotApplied, refused)
	}
	return p, err
}
