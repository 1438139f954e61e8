package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
)

// NewPeer asks for a peer. What is left out has its usual value.
type NewPeer struct {
	Name      string `json:"name"`
	Kind      string `json:"kind,omitempty"`
	Note      string `json:"note,omitempty"`
	Profile   string `json:"profile,omitempty"`
	Access    string `json:"access,omitempty"`
	DNS       *bool  `json:"dns,omitempty"`
	Routes    string `json:"allowed_ips,omitempty"` // networks with commas, instead of those of the profile
	Resolvers string `json:"resolvers,omitempty"`   // up to 4 DNS servers with commas, instead of ours
	Keepalive *int   `json:"keepalive_seconds,omitempty"`
	Expires   string `json:"expires,omitempty"` // RFC 3339
	IdleDays  int    `json:"idle_days,omitempty"`
	PublicKey string `json:"public_key,omitempty"` // of a device that keeps its own private key
}

// NewCode asks for a new code. The body may be left out.
type NewCode struct {
	PublicKey string `json:"public_key,omitempty"` // that the device brings; empty: homeward makes one, unless the device keeps its own
}

// PeerChange changes what it has of a peer, all or nothing. Expires is as in RFC
// 3339, or empty for never.
type PeerChange struct {
	Name      *string `json:"name,omitempty"`
	Kind      *string `json:"kind,omitempty"`
	Note      *string `json:"note,omitempty"`
	Profile   *string `json:"profile,omitempty"`
	Access    *string `json:"access,omitempty"`
	DNS       *bool   `json:"dns,omitempty"`
	Routes    *string `json:"allowed_ips,omitempty"` // networks with commas; empty: as the profile says
	Resolvers *string `json:"resolvers,omitempty"`   // up to 4 DNS servers with commas; empty: ours
	Keepalive *int    `json:"keepalive_seconds,omitempty"`
	Enabled   *bool   `json:"enabled,omitempty"`
	Expires   *string `json:"expires,omitempty"`
	IdleDays  *int    `json:"idle_days,omitempty"`
}

func (h handler) create(w http.ResponseWriter, r *http.Request) {
	var in NewPeer
	if err := read(w, r, &in); err != nil {
		h.fail(w, err)
		return
	}
	wanted, err := in.Parse()
	if err != nil {
		h.fail(w, err)
		return
	}
	issued, err := h.Peers.Create(r.Context(), wanted)
	if err != nil {
		h.fail(w, err)
		return
	}
	w.Header().Set("Location", "/api/v1/peers/"+strconv.FormatInt(int64(issued.Peer.ID), 10))
	w.Header().Set("ETag", etag(issued.Peer))
	h.reply(w, http.StatusCreated, issuedFrom(issued))
}

// rotate hands out a new code.
func (h handler) rotate(w http.ResponseWriter, r *http.Request, id peers.ID) {
	var in NewCode
	if r.ContentLength != 0 {
		if err := read(w, r, &in); err != nil {
			h.fail(w, err)
			return
		}
	}
	renew := h.Peers.Rotate
	if in.PublicKey != "" {
		key, err := ParseKey(in.PublicKey)
		if err != nil {
			h.fail(w, err)
			return
		}
		renew = func(ctx context.Context, id peers.ID) (peers.Issued, error) { return h.Peers.RotateTo(ctx, id, key) }
	}
	issued, err := renew(r.Context(), id)
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusCreated, issuedFrom(issued))
}

func (h handler) show(w http.ResponseWriter, r *http.Request, id peers.ID) {
	p, err := h.Peers.Get(id)
	h.replyPeer(w, p, err)
}

// change edits a peer: with If-Match, only as long as it is what the caller saw.
func (h handler) change(w http.ResponseWriter, r *http.Request, id peers.ID) {
	var in PeerChange
	if err := read(w, r, &in); err != nil {
		h.fail(w, err)
		return
	}
	if in == (PeerChange{}) {
		h.fail(w, &requestError{http.StatusBadRequest, "nothing to change: name one field or more"})
		return
	}
	version, err := h.versionWanted(r, id)
	if err != nil {
		h.fail(w, err)
		return
	}
	c, err := in.parse()
	if err != nil {
		h.fail(w, err)
		return
	}
	p, err := h.Peers.Edit(r.Context(), id, version, c)
	h.replyPeer(w, p, err)
}

func (h handler) replyPeer(w http.ResponseWriter, p peers.Peer, err error) {
	if err != nil {
		h.fail(w, err)
		return
	}
	w.Header().Set("ETag", etag(p))
	h.reply(w, http.StatusOK, peerFrom(p))
}

// versionWanted is the version that a request is for, zero for any.
func (h handler) versionWanted(r *http.Request, id peers.ID) (int64, error) {
	if !conditional(r) {
		return 0, nil
	}
	p, err := h.Peers.Get(id)
	if err == nil {
		err = matches(r, etag(p))
	}
	return p.Version, err
}

// Parse reads what is not text. The error is a peers.FieldError.
func (in NewPeer) Parse() (peers.NewPeer, error) {
	out := peers.NewPeer{
		Name: in.Name, Kind: peers.Kind(in.Kind), Note: in.Note, Profile: peers.Profile(in.Profile), Access: peers.Access(in.Access),
		Routes: peers.Routes(in.Routes), Resolvers: peers.Resolvers(in.Resolvers),
		DNS: in.DNS, Keepalive: seconds(in.Keepalive), IdleDays: in.IdleDays,
	}
	var err error
	if out.Expires, err = parseExpires(in.Expires); err != nil || in.PublicKey == "" {
		return out, err
	}
	k, err := ParseKey(in.PublicKey)
	out.PublicKey = &k
	return out, err
}

// ParseKey reads a public key as people paste it: base64, with spaces around it or not.
// It refuses with a FieldError.
func ParseKey(s string) (wgtypes.Key, error) {
	k, err := wgtypes.ParseKey(strings.TrimSpace(s))
	if err != nil {
		err = &peers.FieldError{Field: "public_key", Problem: "is not a WireGuard key: 44 characters of base64 are needed"}
	}
	return k, err
}

func (in PeerChange) parse() (peers.Change, error) {
	out := peers.Change{
		Name: in.Name, Kind: (*peers.Kind)(in.Kind), Note: in.Note, Profile: (*peers.Profile)(in.Profile), Access: (*peers.Access)(in.Access),
		Routes: (*peers.Routes)(in.Routes), Resolvers: (*peers.Resolvers)(in.Resolvers),
		DNS: in.DNS, Keepalive: seconds(in.Keepalive), Enabled: in.Enabled, IdleDays: in.IdleDays,
	}
	if in.Expires == nil {
		return out, nil
	}
	t, err := parseExpires(*in.Expires)
	out.Expires = &t
	return out, err
}

func parseExpires(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, &peers.FieldError{Field: "expires", Problem: "is not a time: write it as 2026-12-24T18:00:00+01:00"}
	}
	return t, nil
}

// seconds is nil for nil. What no duration can be stays impossible.
func seconds(n *int) *time.Duration {
	if n == nil {
		return nil
	}
	d := time.Duration(min(max(*n, -1), 1<<30)) * time.Second
	return &d
}
