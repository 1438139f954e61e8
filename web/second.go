package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"time"

	"homeward/peers/qr"
	"homeward/web/account"
)

// halfLasts is how long a code is waited for after the right password.
const halfLasts = 5 * time.Minute

// What a session remembers of somebody who knew the password and has to say a code.
const (
	halfKey      = "half"
	halfSealKey  = "half-seal"
	halfUntilKey = "half-until" // Unix seconds
)

// What the log says when the second step is switched.
const (
	secondOn  = "second-step-on"
	secondOff = "second-step-off"
	codesAnew = "second-step-codes"
)

// codePage asks for the second step of a login.
type codePage struct {
	layout
	Next    string // where the login leads
	Problem string // beside the code
	Clock   string // of this box, where the code was a wrong one
}

// secondPage shows what an authenticator app is given, and asks for its first code.
type secondPage struct {
	layout
	Picture template.HTML
	Secret  string // in groups
	Problem string // beside the code
	Clock   string
}

// recoveryCodesPage shows the recovery codes, once.
type recoveryCodesPage struct {
	layout
	Codes []string
}

// logHalfIn makes the session one that may do nothing but say a code, under a new
// token.
func (s *Server) logHalfIn(r *http.Request, who account.Admin) error {
	ctx := r.Context()
	if err := s.sessions.Clear(ctx); err != nil {
		return err
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, halfKey, who.ID)
	s.sessions.Put(ctx, halfSealKey, who.Seal)
	s.sessions.Put(ctx, halfUntilKey, s.cfg.Account.Now().Add(halfLasts).Unix())
	return nil
}

// halfIn is who knew the password a moment ago, and whether there is somebody.
func (s *Server) halfIn(ctx context.Context) (account.Admin, bool) {
	who := account.Admin{ID: s.sessions.GetInt64(ctx, halfKey), Seal: s.sessions.GetString(ctx, halfSealKey), Half: true}
	left := s.sessions.GetInt64(ctx, halfUntilKey) - s.cfg.Account.Now().Unix()
	return who, who.ID != 0 && left > 0 && left <= int64(halfLasts.Seconds()) // also when the clock was set back
}

func (s *Server) codeForm(w http.ResponseWriter, r *http.Request) {
	if caller(r).ID != 0 {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if _, ok := s.halfIn(r.Context()); !ok {
		s.startAgain(w, r)
		return
	}
	s.drawCode(w, r, http.StatusOK, codePage{Next: r.URL.Query().Get("next")})
}

func (s *Server) drawCode(w http.ResponseWriter, r *http.Request, status int, p codePage) {
	p.layout = s.bare(r, s.language(r).T("second.enter_title"))
	s.render(w, r, status, "logincode.html", p)
}

// startAgain asks for the password once more.
func (s *Server) startAgain(w http.ResponseWriter, r *http.Request) {
	s.drawLogin(w, r, http.StatusForbidden, r.FormValue("next"), problem(s.language(r), account.ErrStartAgain))
}

// enterCode is the second step of a login.
func (s *Server) enterCode(w http.ResponseWriter, r *http.Request) {
	if caller(r).ID != 0 {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	half, ok := s.halfIn(r.Context())
	if !ok {
		s.startAgain(w, r)
		return
	}
	who, err := s.cfg.Account.Second(r.Context(), s.client(r), half, r.PostFormValue("code"))
	if err == nil {
		s.enter(w, r, who)
		return
	}
	if errors.Is(err, account.ErrStartAgain) {
		s.startAgain(w, r)
		return
	}
	status, known := refusal(w, err)
	if !known {
		s.broken(w, r, err)
		return
	}
	s.drawCode(w, r, status, codePage{Next: r.PostFormValue("next"), Problem: problem(s.language(r), err), Clock: s.clockAt(r, err)})
}

// clockAt is this box's clock, where a code was wrong: it may be the clock that is.
func (s *Server) clockAt(r *http.Request, err error) string {
	if !errors.Is(err, account.ErrWrongCode) {
		return ""
	}
	return s.language(r).DateTime(s.cfg.Account.Now())
}

// beginSecond makes what an authenticator app is given.
func (s *Server) beginSecond(w http.ResponseWriter, r *http.Request) {
	err := s.cfg.Account.BeginSecondStep(r.Context(), s.client(r), caller(r), r.PostFormValue("old"))
	if err == nil {
		http.Redirect(w, r, "/account/second", http.StatusSeeOther)
		return
	}
	s.afterAccount(w, r, "second", err)
}

// showSecond shows what was begun until its first code came.
func (s *Server) showSecond(w http.ResponseWriter, r *http.Request) {
	s.drawSecond(w, r, http.StatusOK, secondPage{})
}

func (s *Server) drawSecond(w http.ResponseWriter, r *http.Request, status int, p secondPage) {
	l := s.language(r)
	begun, ok, err := s.cfg.Account.BegunSecondStep(r.Context(), caller(r))
	if err == nil && !ok {
		http.Redirect(w, r, "/account", http.StatusSeeOther)
		return
	}
	var svg []byte
	if err == nil {
		var code qr.Code
		if code, err = qr.Of([]byte(begun.URL.Reveal())); err == nil {
			svg, err = code.SVG(l.T("second.picture"))
		}
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	p.layout, p.Here = s.layout(r, l.T("second.title")), "/account/second"
	p.Picture = template.HTML(svg) // drawn by us, with an escaped title
	p.Secret = account.Grouped(begun.Secret.Reveal(), " ")
	s.render(w, r, status, "second.html", p)
}

// confirmSecond switches the second step on, and shows the recovery codes.
func (s *Server) confirmSecond(w http.ResponseWriter, r *http.Request) {
	l := s.language(r)
	who, codes, err := s.cfg.Account.ConfirmSecondStep(r.Context(), s.client(r), caller(r), r.PostFormValue("code"))
	if errors.Is(err, account.ErrSecondStep) {
		s.afterAccount(w, r, "second", err)
		return
	}
	if status, known := refusal(w, err); known {
		if status == http.StatusForbidden {
			status = http.StatusBadRequest // as on the page before: who asks is logged in
		}
		s.drawSecond(w, r, status, secondPage{Problem: problem(l, err), Clock: s.clockAt(r, err)})
		return
	}
	if err == nil {
		s.cfg.Did(r.Context(), secondOn)
		err = s.logIn(r, who)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.showRecoveryCodes(w, r, codes)
}

func (s *Server) showRecoveryCodes(w http.ResponseWriter, r *http.Request, codes []string) {
	p := recoveryCodesPage{s.layout(r, s.language(r).T("second.codes")), codes}
	p.Here = "/account"
	s.render(w, r, http.StatusOK, "secondcodes.html", p)
}

// renewCodes makes other recovery codes, and shows them.
func (s *Server) renewCodes(w http.ResponseWriter, r *http.Request) {
	codes, err := s.cfg.Account.NewRecoveryCodes(r.Context(), s.client(r), caller(r), r.PostFormValue("old"), r.PostFormValue("code"))
	if err != nil {
		s.afterAccount(w, r, "second", err)
		return
	}
	s.cfg.Did(r.Context(), codesAnew)
	s.showRecoveryCodes(w, r, codes)
}

// endSecond switches the second step off.
func (s *Server) endSecond(w http.ResponseWriter, r *http.Request) {
	who, err := s.cfg.Account.EndSecondStep(r.Context(), s.client(r), caller(r), r.PostFormValue("old"), r.PostFormValue("code"))
	if err == nil {
		s.cfg.Did(r.Context(), secondOff)
		err = s.logIn(r, who)
	}
	s.afterAccount(w, r, "second", err)
}
