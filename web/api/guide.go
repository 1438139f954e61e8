package api

import (
	"net/http"
	"time"
)

// Guide says how homeward's port is opened by hand on a router.
type Guide struct {
	Router string `json:"router"`        // the brand's key
	Name   string `json:"name"`          // what people call the brand
	Why    string `json:"why,omitempty"` // why it is this one; empty: it was chosen
	Open   string `json:"open,omitempty"`
	// Menu is the way to the list of rules, Add what is pressed there, Values what is
	// entered then.
	Menu   []string     `json:"menu"`
	Add    string       `json:"add"`
	Values []GuideValue `json:"values"`
	Steps  []string     `json:"steps"` // all of that in sentences
	// Switch names the switch by which the router lets devices open ports by themselves.
	Switch string        `json:"switch"`
	Hint   string        `json:"hint"`
	Others []GuideRouter `json:"others"` // all there are to choose from
	// ByHand is since when the owner has said that he forwards the port.
	ByHand time.Time `json:"by_hand,omitzero"`
}

// GuideValue is one field of the router's form.
type GuideValue struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// GuideRouter is a brand to choose.
type GuideRouter struct {
	Router string `json:"router"`
	Name   string `json:"name"`
}

func (h handler) guide(w http.ResponseWriter, r *http.Request) {
	g, err := h.Router.Guide(r.URL.Query().Get("router"))
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusOK, g.full())
}

// ByHand says on which brand of router the port is forwarded by hand.
type ByHand struct {
	Router string `json:"router"` // empty: as before
}

func (h handler) forwardByHand(w http.ResponseWriter, r *http.Request) {
	var in ByHand
	err := read(w, r, &in)
	if err == nil {
		err = h.Router.ForwardByHand(r.Context(), in.Router)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h handler) askRouterAgain(w http.ResponseWriter, r *http.Request) {
	if err := h.Router.AskRouterAgain(r.Context()); err != nil {
		h.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
