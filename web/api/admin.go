package api

import (
	"context"
	"net/http"

	"homeward/web/account"
)

// Admin is what only somebody on the box itself may do.
type Admin interface {
	// SetPassword sets the page's password and ends all sessions.
	SetPassword(context.Context, string) error
	// SetupLink makes another setup link.
	SetupLink(context.Context) (SetupLink, error)
}

// Password is the page's new password.
type Password struct {
	Password string `json:"password"`
}

// SetupLink is where an unclaimed page is claimed, once.
type SetupLink struct {
	URL string `json:"url"`
	// Fingerprint is the SHA-256 of the page's certificate as browsers show it;
	// empty when the page is served without TLS.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Words is the fingerprint to read aloud.
	Words string `json:"fingerprint_words,omitempty"`
}

// localRoutes are the rows that only the local socket has.
func localRoutes(h handler, a Admin) []Route {
	return []Route{
		{"PUT", "/api/v1/admin/password", account.ScopeAdmin, func(w http.ResponseWriter, r *http.Request) { h.setPassword(w, r, a) }},
		{"POST", "/api/v1/admin/setup-link", account.ScopeAdmin, func(w http.ResponseWriter, r *http.Request) { h.setupLink(w, r, a) }},
		{"DELETE", "/api/v1/admin/users/{name}/second-step", account.ScopeAdmin, func(w http.ResponseWriter, r *http.Request) {
			h.done(w, h.Accounts.RemoveSecondStep(r.Context(), r.PathValue("name")))
		}},
	}
}

func (h handler) setPassword(w http.ResponseWriter, r *http.Request, a Admin) {
	var in Password
	err := read(w, r, &in)
	if err == nil {
		err = a.SetPassword(r.Context(), in.Password)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h handler) setupLink(w http.ResponseWriter, r *http.Request, a Admin) {
	link, err := a.SetupLink(r.Context())
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusOK, link)
}
