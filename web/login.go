package web

import (
	"errors"
	"net/http"
	"net/netip"
	"strconv"

	"homeward/web/account"
)

// loginPage asks for the password.
type loginPage struct {
	layout
	Next    string // where the login leads
	Problem string // beside the password
}

func (s *Server) loginForm(w http.ResponseWriter, r *http.Request) {
	in, err := s.loggedIn(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	claimed, err := s.cfg.Account.Claimed(r.Context())
	switch {
	case err != nil:
		s.broken(w, r, err)
	case in:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case !claimed:
		http.Redirect(w, r, "/setup", http.StatusSeeOther)
	default:
		s.render(w, r, http.StatusOK, "login.html", loginPage{s.bare(r, s.language(r).T("login.title")), r.URL.Query().Get("next"), ""})
	}
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	next := r.PostFormValue("next")
	who, err := s.cfg.Account.Login(r.Context(), client(r), r.PostFormValue("password"))
	status := http.StatusOK
	var slow *account.ThrottledError
	switch {
	case err == nil:
	case errors.Is(err, account.ErrWrong):
		status = http.StatusForbidden
	case errors.As(err, &slow):
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", strconv.Itoa(int(slow.RetryAfter.Seconds())))
	case errors.Is(err, account.ErrBusy):
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "2")
	default:
		s.broken(w, r, err)
		return
	}
	if err != nil {
		s.render(w, r, status, "login.html", loginPage{s.bare(r, s.language(r).T("login.title")), next, problem(s.language(r), err)})
		return
	}
	if err := s.logIn(r.Context(), who); err != nil {
		s.broken(w, r, err)
		return
	}
	if !worthReturning.MatchString(next) {
		next = "/"
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.Destroy(r.Context()); err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// client is where a request comes from. Headers of proxies are not believed:
// anybody can write them.
func client(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}
