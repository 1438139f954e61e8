package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"

	"homeward/web/account"
	"homeward/web/api"
)

// What a session remembers.
const (
	adminKey = "admin"
	sealKey  = "seal"
)

// admit lets only those in who may use the route.
func (s *Server) admit(r route) http.Handler {
	if r.Who == everyone {
		return r.handle
	}
	return s.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		in, err := s.loggedIn(req.Context())
		switch {
		case err != nil:
			s.broken(w, req, err)
		case in || r.Who == visitor:
			r.handle(w, req)
		case r.Who == program:
			api.Refuse(w, http.StatusUnauthorized, "log in first")
		default:
			s.sendToLogin(w, req)
		}
	}))
}

// loggedIn reports whether the session is an admin's who knew the password of today.
func (s *Server) loggedIn(ctx context.Context) (bool, error) {
	who := account.Admin{ID: s.sessions.GetInt64(ctx, adminKey), Seal: s.sessions.GetString(ctx, sealKey)}
	if who.ID == 0 {
		return false, nil
	}
	return s.cfg.Account.Valid(ctx, who)
}

// logIn makes the session an admin's, under a new token: the old one may have
// been planted.
func (s *Server) logIn(ctx context.Context, who account.Admin) error {
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, adminKey, who.ID)
	s.sessions.Put(ctx, sealKey, who.Seal)
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
