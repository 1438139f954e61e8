package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"

	"homeward/web/account"
	"homeward/web/api"
	"homeward/web/guard"
)

// What a session remembers.
const (
	adminKey = "admin"
	sealKey  = "seal"
)

// caller is who sent a request; nobody without a login.
func caller(r *http.Request) account.User { return account.CallerOf(r.Context()).User }

// mayChange reports whether an admin sent a request.
func mayChange(r *http.Request) bool {
	return account.CallerOf(r.Context()).May.Allow(account.ScopeAdmin)
}

// admit lets only those in who may use the route.
func (s *Server) admit(r route) http.Handler {
	if r.Who == everyone {
		return r.handle
	}
	bySession := s.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		u, in, err := s.loggedIn(req.Context())
		who := account.Caller{User: u, May: u.Role.Scopes(), From: s.client(req)}
		req = req.WithContext(account.WithCaller(req.Context(), who))
		switch {
		case err != nil && r.Who != visitor && !r.Who.isPage():
			s.cfg.Logger.Error("reading who is logged in", "err", err)
			api.Refuse(w, http.StatusInternalServerError, "something went wrong inside: the log says what")
		case err != nil:
			s.broken(w, req, err)
		case r.Who == visitor, in && who.May.Allow(r.Who.needs()):
			r.handle(w, req)
		case in && r.Who.isPage():
			s.message(w, req, http.StatusForbidden, s.language(req).T("layout.not_yours"), s.language(req).T("layout.not_yours_why"))
		case in:
			api.Refuse(w, http.StatusForbidden, "a "+string(u.Role)+" may not do this: it needs "+string(r.Who.needs()))
		case r.Who.isPage():
			s.sendToLogin(w, req)
		default:
			api.RefuseUnknown(w, false, "log in first, or send a token and no cookie")
		}
	}))
	if r.Who == visitor || r.Who.isPage() {
		return bySession
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if text, ok := guard.Token(req); ok {
			s.admitToken(w, req, r, text)
			return
		}
		bySession.ServeHTTP(w, req)
	})
}

// loggedIn returns the session's user, who knew the password of today, and
// whether there is one.
func (s *Server) loggedIn(ctx context.Context) (account.User, bool, error) {
	who := account.Admin{ID: s.sessions.GetInt64(ctx, adminKey), Seal: s.sessions.GetString(ctx, sealKey)}
	if who.ID == 0 {
		return account.User{}, false, nil
	}
	return s.cfg.Account.Valid(ctx, who)
}

// logIn makes the session an admin's, under a new token: the old one may have
// been planted.
func (s *Server) logIn(r *http.Request, who account.Admin) error {
	ctx := r.Context()
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	for _, k := range []string{halfKey, halfSealKey, halfUntilKey} {
		s.sessions.Remove(ctx, k)
	}
	s.sessions.Put(ctx, adminKey, who.ID)
	s.sessions.Put(ctx, sealKey, who.Seal)
	s.noteLogin(r)
	return nil
}

func (s *Server) sendToLogin(w http.ResponseWriter, r *http.Request) {
	claimed, err := s.cfg.Account.Claimed(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if !claimed {
		http.Redirect(w, r, "/setup", http.StatusSeeOther)
		return
	}
	to := "/login"
	if r.Method == http.MethodGet && worthReturning.MatchString(r.URL.Path) {
		to += "?" + url.Values{"next": {r.URL.Path}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// worthReturning are the pages to which a login leads back. Nothing else that
// a link says is followed.
var worthReturning = regexp.MustCompile(`^/peers/[0-9]{1,18}$`)
