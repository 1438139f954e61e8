package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"homeward/peers"
	"homeward/web/account"
	"homeward/web/account/tokens"
	"homeward/web/languages"
)

// What the log says when tokens for programs are made and revoked.
const (
	TokenMade    = "token-made"
	TokenRevoked = "token-revoked"
)

// tokenDays are the times that the page offers; zero, which it offers last, is
// without an end.
var tokenDays = []int{30, 90, 365}

// tokensPage lists the tokens that one may revoke, and asks what another one may do.
type tokensPage struct {
	layout
	Tokens []tokenView
	Scopes account.Scopes // that one may give
	Days   []int
	Me     string
	Second bool // a code is asked for, too
	Form   tokenForm
}

// tokenView is a token in words.
type tokenView struct {
	ID               int64
	Name, Owner      string
	Mine, Ended      bool
	May              string
	Made, Used, Ends string
}

// tokenForm keeps what was typed, but for the password.
type tokenForm struct {
	Name           string
	Chosen         account.Scopes
	Days           int
	Field, Problem string
	Clock          string // of this box, where a code was wrong
}

// Has reports whether a scope is ticked.
func (f tokenForm) Has(s account.Scope) bool { return slices.Contains(f.Chosen, s) }

// tokenMadePage shows a token, once.
type tokenMadePage struct {
	layout
	Name   string
	Secret string
}

func (s *Server) showTokens(w http.ResponseWriter, r *http.Request) {
	s.drawTokens(w, r, http.StatusOK, tokenForm{Chosen: account.Scopes{account.ScopeRead}, Days: tokenDays[len(tokenDays)-1]})
}

func (s *Server) drawTokens(w http.ResponseWriter, r *http.Request, status int, form tokenForm) {
	l, me := s.language(r), caller(r)
	p := tokensPage{layout: s.layout(r, l.T("tokens.title")), Days: tokenDays, Me: me.Name, Second: me.SecondStep, Form: form}
	p.Here = "/account/tokens"
	p.Scopes = account.AllScopes().Within(me.Role.Scopes())
	all, err := s.cfg.Tokens.All(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	for _, t := range all {
		if t.Of(me) || p.May {
			p.Tokens = append(p.Tokens, tokenOf(l, t, t.Of(me), s.cfg.Account.Now()))
		}
	}
	s.render(w, r, status, "tokens.html", p)
}

func tokenOf(l *languages.Language, t tokens.Token, mine bool, now time.Time) tokenView {
	v := tokenView{ID: t.ID, Name: t.Name, Owner: t.Owner, Mine: mine, Made: l.Date(t.Created)}
	var may []string
	for _, s := range t.Scopes {
		may = append(may, l.Code("tokens.scope", string(s)))
	}
	v.May = strings.Join(may, ", ")
	if !t.Used.IsZero() {
		v.Used = l.DateTime(t.Used)
	}
	if !t.Expires.IsZero() {
		v.Ends, v.Ended = l.DateTime(t.Expires), !now.Before(t.Expires)
	}
	return v
}

// makeToken makes a token of who is logged in and says the password, and a code where
// there is a second step: a token gets around both, and outlives the login.
func (s *Server) makeToken(w http.ResponseWriter, r *http.Request) {
	me := caller(r)
	form := tokenForm{Name: r.PostFormValue("name")}
	for _, one := range r.PostForm["scope"] {
		form.Chosen = append(form.Chosen, account.Scope(one))
	}
	days, err := strconv.Atoi(r.PostFormValue("days"))
	if err != nil || days != 0 && !slices.Contains(tokenDays, days) {
		days, err = tokenDays[0], nil // no form of ours says so
	}
	form.Days = days
	wanted := tokens.New{Name: form.Name, Scopes: form.Chosen, Lasts: time.Duration(days) * 24 * time.Hour}
	if err = wanted.Check(me.Role.Scopes()); err == nil { // before a code is used up
		err = s.cfg.Account.Confirm(r.Context(), s.client(r), me, r.PostFormValue("old"), r.PostFormValue("code"))
	}
	if err != nil {
		s.refuseToken(w, r, form, err)
		return
	}
	t, text, err := s.cfg.Tokens.Create(r.Context(), me, me.Role.Scopes(), wanted)
	if err != nil {
		s.refuseToken(w, r, form, err)
		return
	}
	p := tokenMadePage{s.layout(r, s.language(r).T("tokens.secret")), t.Name, text.Reveal()}
	p.Here = "/account/tokens"
	s.render(w, r, http.StatusOK, "tokenmade.html", p)
}

// refuseToken shows the form again, with what is wrong beside its field.
func (s *Server) refuseToken(w http.ResponseWriter, r *http.Request, form tokenForm, err error) {
	var field *peers.FieldError
	status := http.StatusBadRequest
	switch {
	case errors.As(err, &field):
		form.Field = "name"
	case errors.Is(err, tokens.ErrNameTaken):
		form.Field, status = "name", http.StatusConflict
	case errors.Is(err, tokens.ErrScopes), errors.Is(err, tokens.ErrTooMuch):
		form.Field = "scopes"
	case errors.Is(err, account.ErrWrong):
		form.Field = "old"
	case errors.Is(err, account.ErrWrongCode):
		form.Field, form.Clock = "code", s.clockAt(r, err)
	case errors.Is(err, tokens.ErrTooMany):
		status = http.StatusConflict
	default:
		var known bool
		if status, known = refusal(w, err); !known {
			s.broken(w, r, err)
			return
		}
	}
	form.Problem = problem(s.language(r), err)
	s.drawTokens(w, r, status, form)
}

// revokeToken ends a token of one's own or, for an admin, of anybody.
func (s *Server) revokeToken(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		s.notFound(w, r)
		return
	}
	t, err := s.cfg.Tokens.Get(r.Context(), id)
	if err == nil && !t.Of(caller(r)) && !mayChange(r) {
		err = tokens.ErrNoToken
	}
	if err == nil {
		_, err = s.cfg.Tokens.Revoke(r.Context(), id)
	}
	switch {
	case errors.Is(err, tokens.ErrNoToken):
		s.notFound(w, r)
	case err != nil:
		s.broken(w, r, err)
	default:
		http.Redirect(w, r, "/account/tokens", http.StatusSeeOther)
	}
}
