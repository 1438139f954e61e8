package api

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Forwards is what can be done with the ports that the owner wants open besides.
type Forwards interface {
	// Forwards returns all of them, as they stand now.
	Forwards() []Forward
	// OpenForward makes one.
	OpenForward(context.Context, NewForward) (Forward, error)
	// SwitchForward switches one on or off.
	SwitchForward(ctx context.Context, id int64, on bool) (Forward, error)
	// RemoveForward removes one.
	RemoveForward(ctx context.Context, id int64) error
}

// NewForward asks for a port, or several in a row, to be sent to a machine at home.
type NewForward struct {
	Name     string `json:"name"`
	Protocol string `json:"protocol"` // TCP or UDP
	External uint16 `json:"external"`
	Last     uint16 `json:"last,omitempty"` // of several in a row; zero: one
	Machine  string `json:"machine"`        // an IPv4 address in the house
	Internal uint16 `json:"internal,omitempty"`
	Off      bool   `json:"off,omitempty"` // keep it, but don't open it yet
}

// Forward is such a port, and how it stands.
type Forward struct {
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Protocol string    `json:"protocol"`
	External uint16    `json:"external"`
	Last     uint16    `json:"last"`
	Machine  string    `json:"machine"`
	Internal uint16    `json:"internal"`
	Enabled  bool      `json:"enabled"`
	Created  time.Time `json:"created"`
	// State is open, waiting, taken, refused or failed, and off.
	State   string `json:"state"`
	Problem string `json:"problem,omitempty"` // a sentence
	// ByHand says that the router had the entry already, made by somebody else.
	ByHand   bool       `json:"by_hand,omitempty"`
	Verified *time.Time `json:"verified,omitempty"` // when the router's table was last seen to have it
	Risk     string     `json:"risk"`
	Findings []Finding  `json:"findings"`
}

// forwardChange switches a forward.
type forwardChange struct {
	Enabled *bool `json:"enabled"`
}

func (h handler) forwards(w http.ResponseWriter, _ *http.Request) {
	h.reply(w, http.StatusOK, each(h.Forwards.Forwards(), Forward.full))
}

func (h handler) openForward(w http.ResponseWriter, r *http.Request) {
	var in NewForward
	err := read(w, r, &in)
	var f Forward
	if err == nil {
		f, err = h.Forwards.OpenForward(r.Context(), in)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.tagged(w, http.StatusCreated, f.full())
}

// withForward reads the forward's number from the path.
func (h handler) withForward(next func(http.ResponseWriter, *http.Request, int64)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			Refuse(w, http.StatusNotFound, "there is no such rule")
			return
		}
		next(w, r, id)
	}
}

// find looks for a forward by its number.
func (h handler) find(id int64) (Forward, bool) {
	for _, f := range h.Forwards.Forwards() {
		if f.ID == id {
			return f, true
		}
	}
	return Forward{}, false
}

func (h handler) forward(w http.ResponseWriter, _ *http.Request, id int64) {
	f, ok := h.find(id)
	if !ok {
		Refuse(w, http.StatusNotFound, "there is no such rule")
		return
	}
	h.tagged(w, http.StatusOK, f.full())
}

// forwardMatches says whether a forward is as a request has it. One that there is not
// is not found out here.
func (h handler) forwardMatches(r *http.Request, id int64) error {
	if f, ok := h.find(id); ok {
		return matches(r, f.etag())
	}
	return nil
}

func (h handler) switchForward(w http.ResponseWriter, r *http.Request, id int64) {
	var in forwardChange
	err := read(w, r, &in)
	if err == nil && in.Enabled == nil {
		Refuse(w, http.StatusBadRequest, "enabled is missing")
		return
	}
	h.Turns.Forwards.Lock()
	defer h.Turns.Forwards.Unlock()
	var f Forward
	if err == nil {
		err = h.forwardMatches(r, id)
	}
	if err == nil {
		f, err = h.Forwards.SwitchForward(r.Context(), id, *in.Enabled)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.tagged(w, http.StatusOK, f.full())
}

func (h handler) removeForward(w http.ResponseWriter, r *http.Request, id int64) {
	h.Turns.Forwards.Lock()
	defer h.Turns.Forwards.Unlock()
	err := h.forwardMatches(r, id)
	if err == nil {
		err = h.Forwards.RemoveForward(r.Context(), id)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Forwards lists the ports that the owner wants open.
func (c *Client) Forwards(ctx context.Context) ([]Forward, error) {
	var list []Forward
	err := c.call(ctx, "GET", "/api/v1/forwards", nil, &list)
	return list, err
}

// OpenForward asks for one more.
func (c *Client) OpenForward(ctx context.Context, n NewForward) (Forward, error) {
	var f Forward
	err := c.call(ctx, "POST", "/api/v1/forwards", n, &f)
	return f, err
}

// SwitchForward switches one on or off.
func (c *Client) SwitchForward(ctx context.Context, id int64, on bool) (Forward, error) {
	var f Forward
	err := c.call(ctx, "PATCH", forwardPath(id), forwardChange{&on}, &f)
	return f, err
}

// RemoveForward removes one.
func (c *Client) RemoveForward(ctx context.Context, id int64) error {
	return c.call(ctx, "DELETE", forwardPath(id), nil, nil)
}

func forwardPath(id int64) string { return "/api/v1/forwards/" + strconv.FormatInt(id, 10) }
