package api

import "net/http"

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
	h.reply(w, http.StatusOK, g)
}
