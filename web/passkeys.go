package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"homeward/peers"
	"homeward/web/account"
	"homeward/web/account/passkeys"
)

// What the log says when passkeys are added and removed.
const (
	PasskeyAdded   = "passkey-added"
	PasskeyRemoved = "passkey-removed"
)

// passkeysView is the passkeys of who looks, on the page of the account.
type passkeysView struct {
	List []passkeyView
	Why  string // none can be made here; see passkeys.SiteOf
}

// passkeyView is a passkey in words.
type passkeyView struct {
	ID                     int64
	Name, Site, Made, Used string
}

// site is the page by the name under which a request asks for it, or why it can have
// no passkeys.
func (s *Server) site(r *http.Request) (passkeys.Site, string) {
	return passkeys.SiteOf(r.Host, !s.unsealed(r))
}

func (s *Server) passkeysOf(r *http.Request, u account.User) (passkeysView, error) {
	var v passkeysView
	_, v.Why = s.site(r)
	list, err := s.cfg.Passkeys.Of(r.Context(), u)
	l := s.language(r)
	for _, p := range list {
		row := passkeyView{ID: p.ID, Name: p.Name, Site: p.Site, Made: l.Date(p.Created)}
		if !p.Used.IsZero() {
			row.Used = l.DateTime(p.Used)
		}
		v.List = append(v.List, row)
	}
	return v, err
}

// passkeyPath is where a login by a passkey is answered, and leads on to next. It is
// empty where nobody has one.
func (s *Server) passkeyPath(r *http.Request, next string) (string, error) {
	site, why := s.site(r)
	if why != "" {
		return "", nil
	}
	some, err := s.cfg.Passkeys.Any(r.Context(), site)
	if err != nil || !some {
		return "", err
	}
	path := "/login/passkey"
	if worthReturning.MatchString(next) {
		path += "?" + url.Values{"next": {next}}.Encode()
	}
	return path, nil
}

// beginPasskey asks the browser for a passkey of who is logged in, and says the
// password and, where there is a second step, a code: it gets around both.
func (s *Server) beginPasskey(w http.ResponseWriter, r *http.Request) {
	me := caller(r)
	site, why := s.site(r)
	if why != "" {
		s.noPasskeys(w, r, why)
		return
	}
	name := r.PostFormValue("name")
	_, err := peers.ParseName(name) // before a code is used up
	if err == nil {
		err = s.cfg.Account.Confirm(r.Context(), s.client(r), me, r.PostFormValue("old"), r.PostFormValue("code"))
	}
	var question any
	if err == nil {
		question, err = s.cfg.Passkeys.Add(r.Context(), site, me, name)
	}
	s.answerScript(w, r, question, err)
}

// addPasskey takes the one that the browser made.
func (s *Server) addPasskey(w http.ResponseWriter, r *http.Request) {
	site, why := s.site(r)
	if why != "" {
		s.noPasskeys(w, r, why)
		return
	}
	err := s.cfg.Passkeys.Added(r.Context(), site, caller(r), r.Body)
	if err == nil {
		s.cfg.Did(r.Context(), PasskeyAdded)
	}
	s.answerScript(w, r, nextPage{"/account"}, err)
}

func (s *Server) removePasskey(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err == nil {
		err = s.cfg.Passkeys.Remove(r.Context(), caller(r), id)
	} else {
		err = passkeys.ErrNone
	}
	switch {
	case errors.Is(err, passkeys.ErrNone):
		s.notFound(w, r)
	case err != nil:
		s.broken(w, r, err)
	default:
		s.cfg.Did(r.Context(), PasskeyRemoved)
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	}
}

// askPasskey asks the browser of whoever wants to log in for a passkey.
func (s *Server) askPasskey(w http.ResponseWriter, r *http.Request) {
	site, why := s.site(r)
	if why != "" {
		s.noPasskeys(w, r, why)
		return
	}
	question, err := s.cfg.Passkeys.Ask(s.client(r), site)
	s.answerScript(w, r, question, err)
}

// enterPasskey logs in whose passkey it is. The device looked at who holds it, so that
// no code is asked for.
func (s *Server) enterPasskey(w http.ResponseWriter, r *http.Request) {
	site, why := s.site(r)
	if why != "" {
		s.noPasskeys(w, r, why)
		return
	}
	id, err := s.cfg.Passkeys.Answered(r.Context(), s.client(r), site, r.Body)
	var who account.Admin
	if err == nil {
		who, err = s.cfg.Account.Trust(r.Context(), id)
	}
	if errors.Is(err, account.ErrNoUser) {
		err = passkeys.ErrWrong // removed a moment ago
	}
	if err == nil {
		err = s.logIn(r, who)
	}
	if err == nil {
		s.didLogIn(r, who)
	}
	to := r.URL.Query().Get("next")
	if !worthReturning.MatchString(to) {
		to = "/"
	}
	s.answerScript(w, r, nextPage{to}, err)
}

// nextPage is where a script goes on.
type nextPage struct {
	Next string `json:"next"`
}

// noPasskeys says to a script why the page has none.
func (s *Server) noPasskeys(w http.ResponseWriter, r *http.Request, why string) {
	s.sendScript(w, http.StatusConflict, scriptProblem{s.language(r).Code("passkeys.off", why)})
}

// scriptProblem is what a script shows beside the form.
type scriptProblem struct {
	Problem string `json:"problem"`
}

// answerScript answers to passkey.js, or says what is wrong.
func (s *Server) answerScript(w http.ResponseWriter, r *http.Request, answer any, err error) {
	if err == nil {
		s.sendScript(w, http.StatusOK, answer)
		return
	}
	var field *peers.FieldError
	var slow *passkeys.ThrottledError
	status := http.StatusBadRequest
	switch {
	case errors.As(err, &field), errors.Is(err, passkeys.ErrLate):
	case errors.Is(err, passkeys.ErrWrong):
		status = http.StatusForbidden
	case errors.Is(err, passkeys.ErrTooMany):
		status = http.StatusConflict
	case errors.As(err, &slow):
		w.Header().Set("Retry-After", strconv.Itoa(int(slow.RetryAfter.Seconds())))
		status = http.StatusTooManyRequests
	default:
		var known bool
		if status, known = refusal(w, err); !known {
			s.cfg.Logger.Error("request failed", "path", r.URL.Path, "err", err)
			s.sendScript(w, http.StatusInternalServerError, scriptProblem{s.language(r).T("layout.broken_why")})
			return
		}
	}
	s.sendScript(w, status, scriptProblem{problem(s.language(r), err)})
}

func (s *Server) sendScript(w http.ResponseWriter, status int, answer any) {
	b, err := json.Marshal(answer)
	if err != nil {
		s.cfg.Logger.Error("answering a script failed", "err", err)
		status, b = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(b) // the browser went away: nobody to tell
}
