package peers

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// row is a peer as the database gives it back, before anything is believed.
type row struct {
	id                          ID
	name, kind, note            string
	profile, access             string
	routes, resolvers           string
	publicKey, presharedKey     []byte
	dns, keepalive, enabled     int64
	expires, idleDays, idledOut int64
	idleFrom, seen              int64
	created, version            int64
	nextPublic                  []byte // nil: there is no new code
	nextPreshared               []byte
	said, nextSaid              string // empty: it is not known what the code said
	keptKey, kept               []byte // nil: no code is kept
	addresses                   []addressRow
}

type addressRow struct {
	address string // empty: the peer has none
	family  int64
}

// peer checks every value of r.
func (r *row) peer() (Peer, error) {
	p := Peer{ID: r.id, DNS: r.dns == 1, Keepalive: time.Duration(r.keepalive) * time.Second, Enabled: r.enabled == 1,
		IdleDays: int(r.idleDays), IdledOut: r.idledOut == 1, Created: time.Unix(r.created, 0).UTC(), Version: r.version}
	for _, part := range []func(*Peer) error{r.numbers, r.texts, r.times, r.keys, r.ledger, r.places} {
		if err := part(&p); err != nil {
			return Peer{}, err
		}
	}
	return p, nil
}

func (r *row) numbers(*Peer) error {
	flag := func(n int64) bool { return n == 0 || n == 1 }
	switch {
	case r.id <= 0:
		return errors.New("its number is not positive")
	case r.keepalive < 0 || r.keepalive > 65535:
		return fmt.Errorf("its keepalive of %d s is impossible", r.keepalive)
	case r.idleDays < 0 || r.idleDays > maxIdleDays:
		return fmt.Errorf("its %d idle days are impossible", r.idleDays)
	case !flag(r.enabled) || !flag(r.dns) || !flag(r.idledOut):
		return fmt.Errorf("enabled is %d, dns %d, idled_out %d", r.enabled, r.dns, r.idledOut)
	case r.version < 1:
		return fmt.Errorf("its version is %d", r.version)
	}
	return nil
}

func (r *row) texts(p *Peer) error {
	var errs [7]error
	p.Name, errs[0] = ParseName(r.name)
	p.Kind, errs[1] = ParseKind(r.kind)
	p.Note, errs[2] = parseNote(r.note)
	p.Profile, errs[3] = ParseProfile(r.profile)
	p.Access, errs[4] = ParseAccess(r.access)
	p.Routes, errs[5] = ParseRoutes(r.routes)
	p.Resolvers, errs[6] = ParseResolvers(r.resolvers)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	p.folded = p.Name.Folded()
	for what, same := range map[string]bool{
		"name": string(p.Name) == r.name, "kind": string(p.Kind) == r.kind, "note": p.Note == r.note,
		"profile": string(p.Profile) == r.profile, "access": string(p.Access) == r.access,
		"allowed_ips": string(p.Routes) == r.routes, "resolvers": string(p.Resolvers) == r.resolvers,
	} {
		if !same {
			return fmt.Errorf("its %s is not as it was stored", what)
		}
	}
	return nil
}

func (r *row) times(p *Peer) error {
	var errs [3]error
	p.Expires, errs[0] = timeOf(r.expires)
	p.idleFrom, errs[1] = timeOf(r.idleFrom)
	p.Seen, errs[2] = timeOf(r.seen)
	return errors.Join(errs[:]...)
}

func (r *row) keys(p *Peer) error {
	public, err := wgtypes.NewKey(r.publicKey)
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	preshared, err := wgtypes.NewKey(r.presharedKey)
	switch {
	case err != nil:
		return errors.New("the preshared key has a wrong length")
	case !looksLikePublicKey(public):
		return errors.New("its public key is unusable")
	}
	p.PublicKey, p.PresharedKey = public, secret.NewKey(preshared)
	if key, err := wgtypes.NewKey(r.keptKey); err == nil {
		p.kept = &keptCode{key, r.kept}
	}
	if r.nextPublic != nil {
		p.Next, err = nextKey(r.nextPublic, r.nextPreshared)
	}
	return err
}

func (r *row) ledger(p *Peer) (err error) {
	if r.said != "" {
		p.said, err = parseFingerprint(r.said)
	}
	if r.nextSaid != "" && err == nil {
		p.nextSaid, err = parseFingerprint(r.nextSaid)
	}
	return err
}

func (r *row) places(p *Peer) error {
	for _, ar := range r.addresses {
		a, err := netip.ParseAddr(ar.address)
		if err != nil || a.Zone() != "" || a.String() != ar.address || ar.family != family(a) {
			return fmt.Errorf("its address %.80q of family %d is unusable", ar.address, ar.family)
		}
		p.Addresses = append(p.Addresses, a)
	}
	slices.SortFunc(p.Addresses, netip.Addr.Compare)
	return nil
}

func nextKey(public, preshared []byte) (NextKey, error) {
	pub, err := wgtypes.NewKey(public)
	if err != nil || !looksLikePublicKey(pub) {
		return NextKey{}, errors.New("its next public key is unusable")
	}
	psk, err := wgtypes.NewKey(preshared)
	if err != nil || psk == (wgtypes.Key{}) {
		return NextKey{}, errors.New("its next preshared key is unusable")
	}
	return NextKey{pub, secret.NewKey(psk)}, nil
}
