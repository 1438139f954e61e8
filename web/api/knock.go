package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"homeward/configs/secret"
)

// ErrNoAddress says that nobody knows by which address the house is called.
var ErrNoAddress = errors.New("the house's public address is not known yet")

// Knocker lets a phone's browser try the way in from outside, without any app.
type Knocker interface {
	// BeginKnock has the port answer for a while. Where nobody could call, it is
	// ErrNoAddress.
	BeginKnock(context.Context) (Knock, error)
	// Knock is the one that was begun last; false: none is going on.
	Knock() (Knock, bool)
	// HeardKnocks are the knocks that were answered since the start: of each family at
	// each port the latest, the latest of all first.
	HeardKnocks() []HeardKnock
}

// Knock is what a browser has to know to be answered by the UDP port: a secret of its
// own, as WebRTC has it (RFC 8445), and where it calls.
type Knock struct {
	User     string
	Password secret.Text
	Calls    []netip.AddrPort
	Until    time.Time
}

// HeardKnock is a browser's knock that was answered: a packet from outside.
type HeardKnock struct {
	At     time.Time `json:"at"`
	Family string    `json:"family"` // IPv4 or IPv6
	From   string    `json:"from"`   // the address outside
	Port   uint16    `json:"port"`   // ours
}

// KnockState says whether the port answers knocks at this moment, and which it heard.
type KnockState struct {
	Going bool         `json:"going"`
	Until time.Time    `json:"until,omitzero"`
	Calls []string     `json:"calls"` // where the house can be knocked at, addresses with their port; empty unless Going
	Heard []HeardKnock `json:"heard"`
	Page  string       `json:"page"` // where a browser at home begins to knock
}

// BegunKnock is what whoever knocks has to know: he sends STUN binding requests
// (RFC 8489) to Calls, with a USERNAME that begins with User and a colon and a
// MESSAGE-INTEGRITY made with Password (ICE, RFC 8445). They are told once.
type BegunKnock struct {
	Until    time.Time `json:"until"`
	Calls    []string  `json:"calls"` // addresses with their port
	User     string    `json:"user"`
	Password string    `json:"password"`
}

// knockState is the state of this moment.
func (h handler) knockState() KnockState {
	s := KnockState{Calls: []string{}, Heard: list(h.Knocks.HeardKnocks()), Page: h.PageURL() + "/knock"}
	if k, going := h.Knocks.Knock(); going {
		s.Going, s.Until, s.Calls = true, k.Until.UTC(), called(k)
	}
	return s
}

// called is where a knock goes, as text.
func called(k Knock) []string {
	at := make([]string, len(k.Calls))
	for i, c := range k.Calls {
		at[i] = c.String()
	}
	return at
}

func (h handler) knock(w http.ResponseWriter, _ *http.Request) {
	h.reply(w, http.StatusOK, h.knockState())
}

func (h handler) beginKnock(w http.ResponseWriter, r *http.Request) {
	k, err := h.Knocks.BeginKnock(r.Context())
	if errors.Is(err, ErrNoAddress) {
		err = &Failure{Status: http.StatusConflict, Err: err}
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusOK, BegunKnock{k.Until.UTC(), called(k), k.User, k.Password.Reveal()})
}

// Knock asks which knocks of browsers were heard.
func (c *Client) Knock(ctx context.Context) (KnockState, error) {
	var s KnockState
	err := c.call(ctx, "GET", "/api/v1/knock", nil, &s)
	return s, err
}

// BeginKnock has the port answer whoever knows what it returns, for two minutes.
func (c *Client) BeginKnock(ctx context.Context) (BegunKnock, error) {
	var k BegunKnock
	err := c.call(ctx, "POST", "/api/v1/knock", nil, &k)
	return k, err
}
