package web

import (
	"net/http"
	"net/url"
	"strings"

	"homeward/web/account"
)

// loginPage asks for the password.
type loginPage struct {
	layout
	Next    string // where the login leads
	Several bool   // there is more than one user: the name is asked for
	Name    string // as it was typed
	Problem string // beside the password
	Passkey string // where one is answered; empty: nobody has one for this name of the page
}

func (s *Server) loginForm(w http.ResponseWriter, r *http.Request) {
	in := caller(r).ID != 0
	claimed, err := s.cfg.Account.Claimed(r.Context())
	switch {
	case err != nil:
		s.broken(w, r, err)
	case in:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case !claimed:
		http.Redirect(w, r, "/setup", http.StatusSeeOther)
	default:
		s.drawLogin(w, r, http.StatusOK, r.URL.Query().Get("next"), "")
	}
}

// drawLogin asks for the password, and for the name where there are several users.
func (s *Server) drawLogin(w http.ResponseWriter, r *http.Request, status int, next, problem string) {
	users, err := s.cfg.Account.Users(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	p := loginPage{layout: s.bare(r, s.language(r).T("login.title")), Next: next, Several: len(users) > 1, Name: userName(r), Problem: problem}
	if p.Passkey, err = s.passkeyPath(r, next); err != nil {
		s.broken(w, r, err)
		return
	}
	s.render(w, r, status, "login.html", p)
}

// userName is who somebody says to be: phones write a capital first.
func userName(r *http.Request) string {
	return strings.ToLower(strings.TrimSpace(r.PostFormValue("username")))
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	who, err := s.cfg.Account.Login(r.Context(), s.client(r), userName(r), r.PostFormValue("password"))
	if err == nil {
		s.enter(w, r, who)
		return
	}
	status, known := refusal(w, err)
	if !known {
		s.broken(w, r, err)
		return
	}
	s.drawLogin(w, r, status, r.PostFormValue("next"), problem(s.language(r), err))
}

// enter leads on who said what was asked: to the page, or to the second step.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, who account.Admin) {
	next := r.PostFormValue("next")
	if !worthReturning.MatchString(next) {
		next = "/"
	}
	logIn := s.logIn
	if who.Half {
		logIn = s.logHalfIn
		to := "/login/code"
		if next != "/" {
			to += "?" + url.Values{"next": {next}}.Encode()
		}
		next = to
	}
	if err := logIn(r, who); err != nil {
		s.broken(w, r, err)
		return
	}
	if !who.Half {
		s.didLogIn(r, who)
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// didLogIn writes down who logged in, which the request does not know yet.
func (s *Server) didLogIn(r *http.Request, who account.Admin) {
	u, _, err := s.cfg.Account.Valid(r.Context(), who)
	if err != nil {
		s.cfg.Logger.Error("a login was not written down", "err", err)
		return
	}
	s.cfg.Did(account.WithCaller(r.Context(), account.Caller{User: u}), LoggedIn)
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.Destroy(r.Context()); err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
