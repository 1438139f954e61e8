package peers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

const (
	inviteLasts    = 24 * time.Hour
	inviteLongest  = 30 * 24 * time.Hour
	inviteShortest = time.Minute
	secretBytes    = 16 // of an invite and of a ticket: 128 bits
)

// Invite is a link's secret part. Who opens it gets a new code of the peer, once.
type Invite struct {
	Token string    // 22 characters of A-Z a-z 0-9 - _
	Until time.Time // when it ends unopened
}

// Ticket lets somebody without a login see one code until it is forgotten.
type Ticket string

// Invite makes a link's secret for a peer; an earlier one that was not opened is
// worth nothing any more. It lasts for as long as asked, from a minute to 30
// days; zero means 24 hours. Only its hash is stored. A peer that keeps its own private
// key can be invited, too: a lost one takes that key with it.
func (m *Manager) Invite(ctx context.Context, id ID, lasts time.Duration) (Invite, error) {
	if lasts == 0 {
		lasts = inviteLasts
	}
	if lasts < inviteShortest || lasts > inviteLongest {
		return Invite{}, fieldErrorf("lasts", "%v is impossible: use 1m to 720h", lasts)
	}
	m.write.Lock()
	defer m.write.Unlock()
	p, err := m.findLocked(ctx, id)
	if err != nil {
		return Invite{}, err
	}
	token, hash := newSecret()
	until := toSecond(m.cfg.Now().Add(lasts))
	if err := m.store.setInvite(context.WithoutCancel(ctx), id, hash, until); err != nil {
		return Invite{}, fmt.Errorf("storing the invite of device %d: %w", id, err)
	}
	m.cfg.Logger.Info("invite made", "peer", id, "name", string(p.Name), "until", until)
	return Invite{token, until}, nil
}

// OpenInvite uses an invite up and hands out a new code of its peer, as Rotate
// does. The ticket shows the code again until it is forgotten. It refuses with
// ErrInvite, or with ErrNoEndpoint and then the invite stays as good as it was.
func (m *Manager) OpenInvite(ctx context.Context, token string) (Issued, Ticket, error) {
	issued, err := m.open(ctx, token, nil)
	if err != nil {
		return Issued{}, "", err
	}
	ticket, hash := newSecret()
	m.handed.ticket(issued.Peer.ID, hash)
	return issued, Ticket(ticket), nil
}

// OpenInviteTo is OpenInvite to a public key that the device brings. The config has no
// private key: the device adds its own, and homeward never learns it. Nobody sees it
// again without a login, so that there is no ticket. It refuses with a FieldError as
// well, and then the invite stays as good as it was.
func (m *Manager) OpenInviteTo(ctx context.Context, token string, key wgtypes.Key) (Issued, error) {
	return m.open(ctx, token, &key)
}

// open looks at the key only for who has an invite.
func (m *Manager) open(ctx context.Context, token string, brought *wgtypes.Key) (Issued, error) {
	hash, err := hashSecret(token)
	if err != nil {
		return Issued{}, err
	}
	id, err := m.store.invited(ctx, hash, m.cfg.Now())
	if err != nil {
		return Issued{}, err
	}
	if brought != nil {
		if err := CheckPublicKey(*brought, m.cfg.Facts().PublicKey); err != nil {
			return Issued{}, err
		}
	}
	issued, err := m.rotate(ctx, id, brought, hash)
	if errors.Is(err, ErrNotFound) { // removed meanwhile
		err = ErrInvite
	}
	if err != nil {
		return Issued{}, err
	}
	m.cfg.Logger.Info("invite opened", "peer", id, "name", string(issued.Peer.Name), "own_key", brought != nil)
	return issued, nil
}

// IssuedTo is Issued for who has a ticket. It refuses with ErrForgotten.
func (m *Manager) IssuedTo(t Ticket) (Issued, error) {
	hash, err := hashSecret(string(t))
	if err != nil {
		return Issued{}, ErrForgotten
	}
	id, ok := m.handed.holder(hash)
	if !ok {
		return Issued{}, ErrForgotten
	}
	p, err := m.Get(id)
	if err != nil {
		return Issued{}, err
	}
	return m.remembered(p) // what is kept is for those who log in
}

// secretHash is all that is kept of a secret. Looking one up by its hash tells
// nobody by the time that it takes how much of a guess was right.
type secretHash = [sha256.Size]byte

func newSecret() (string, secretHash) {
	var b [secretBytes]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:]), sha256.Sum256(b[:])
}

// hashSecret refuses what newSecret cannot have made.
func hashSecret(s string) (secretHash, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != secretBytes {
		return secretHash{}, ErrInvite
	}
	return sha256.Sum256(b), nil
}
