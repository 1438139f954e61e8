package web

import (
	"errors"
	"net/http"
	"strconv"

	"homeward/configs/secret"
	"homeward/web/account"
	"homeward/web/account/tokens"
	"homeward/web/api"
)

// admitToken lets a program in that has the right token for a route. It makes no
// session and sets no cookie.
func (s *Server) admitToken(w http.ResponseWriter, req *http.Request, r route, text secret.Text) {
	from := s.client(req)
	t, owner, err := s.cfg.Bearers.Check(req.Context(), from, text)
	var u account.User
	if err == nil {
		var there bool
		if u, there, err = s.cfg.Account.User(req.Context(), owner); err == nil && !there {
			err = tokens.ErrWrong // removed a moment ago
		}
	}
	who := account.Caller{User: u, Token: t.Name, May: t.Scopes.Within(u.Role.Scopes()), From: from}
	var slow *tokens.ThrottledError
	switch {
	case errors.As(err, &slow):
		w.Header().Set("Retry-After", strconv.Itoa(int(slow.RetryAfter.Seconds())))
		api.Refuse(w, http.StatusTooManyRequests, err.Error())
	case errors.Is(err, tokens.ErrWrong):
		api.RefuseUnknown(w, true, err.Error())
	case err != nil:
		s.cfg.Logger.Error("reading a token", "err", err)
		api.Refuse(w, http.StatusInternalServerError, "something went wrong inside: the log says what")
	case !who.May.Allow(r.Who.needs()):
		api.RefuseScope(w, r.Who.needs())
	default:
		r.handle(w, req.WithContext(account.WithCaller(req.Context(), who)))
	}
}
