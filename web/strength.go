package web

import (
	"context"

	"homeward/web/account"
)

// strengthKey is where a session keeps how good the password is that was set just now,
// until the next page told it.
const strengthKey = "strength"

// tellStrength lets the next page say how good a password is.
func (s *Server) tellStrength(ctx context.Context, password string) {
	s.sessions.Put(ctx, strengthKey, string(account.StrengthOf(password)))
}

// suggest is a password for who has no idea. Without one the page goes on.
func (s *Server) suggest() string {
	p, err := account.Suggest()
	if err != nil {
		s.cfg.Logger.Error("suggesting a password failed", "err", err)
	}
	return p
}
