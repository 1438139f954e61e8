package web

import (
	"errors"
	"net/http"
	"net/url"

	"homeward/web/account"
)

// setupPage asks for the first password.
type setupPage struct {
	layout
	Token   string // empty: the link was not a valid one
	Claimed bool
	Problem string // beside the password
	Min     int
	Phrase  string // a password that is suggested
	Import  bool   // another server is to be taken over next
}

// setupForm shows the form, and uses nothing up: programs that preview links
// open them too.
func (s *Server) setupForm(w http.ResponseWriter, r *http.Request) {
	s.showSetup(w, r, http.StatusOK, r.URL.Query().Get("token"), "")
}

// setupURL is where somebody with the link sets up.
func setupURL(token string) string { return "/setup?" + url.Values{"token": {token}}.Encode() }

func (s *Server) showSetup(w http.ResponseWriter, r *http.Request, status int, token, problem string) {
	claimed, err := s.cfg.Account.Claimed(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	p := setupPage{layout: s.bare(r, s.language(r).T("setup.title")), Claimed: claimed, Problem: problem, Min: account.MinPassword, Import: r.PostFormValue("then") == "import"}
	switch {
	case !claimed && s.cfg.Account.LinkValid(token):
		p.Token, p.Phrase = token, s.suggest()
		p.Here = setupURL(token)
	case status == http.StatusOK && !claimed && token != "":
		status = http.StatusGone
	}
	s.render(w, r, status, "setup.html", p)
}

// claim takes the box over for whoever has the link.
func (s *Server) claim(w http.ResponseWriter, r *http.Request) {
	token, password := r.PostFormValue("token"), r.PostFormValue("password")
	if password != r.PostFormValue("again") {
		s.showSetup(w, r, http.StatusBadRequest, token, s.language(r).T("setup.different"))
		return
	}
	who, err := s.cfg.Account.Claim(r.Context(), token, password)
	var bad *account.PasswordError
	switch {
	case err == nil:
	case errors.As(err, &bad):
		s.showSetup(w, r, http.StatusBadRequest, token, problem(s.language(r), bad))
		return
	case errors.Is(err, account.ErrLink), errors.Is(err, account.ErrClaimed):
		s.showSetup(w, r, http.StatusGone, "", "")
		return
	case errors.Is(err, account.ErrBusy):
		s.showSetup(w, r, http.StatusServiceUnavailable, token, problem(s.language(r), err))
		return
	default:
		s.broken(w, r, err)
		return
	}
	if err := s.logIn(r, who); err != nil {
		s.broken(w, r, err)
		return
	}
	s.tellStrength(r.Context(), password)
	if r.PostFormValue("then") == "import" {
		http.Redirect(w, r, importPath, http.StatusSeeOther)
		return
	}
	http.Redirect(w, r, "/welcome", http.StatusSeeOther)
}
