package web

import (
	"errors"
	"net/http"

	"homeward/peers"
	"homeward/web/api"
)

// configWithoutKey is what ownkey.js puts the private key into, which it made and
// nobody else has.
type configWithoutKey struct {
	Config string `json:"config"` // a .conf file but for its PrivateKey
	File   string `json:"file"`   // what to call it
}

// openWithKey opens an invite for a device that made its key itself. It answers to a
// script. What it refuses leaves the invite as good as it was.
func (s *Server) openWithKey(w http.ResponseWriter, r *http.Request, text string) {
	key, err := api.ParseKey(text)
	var issued peers.Issued
	if err == nil {
		issued, err = s.cfg.Peers.OpenInviteTo(r.Context(), r.PathValue("token"), key)
	}
	var config []byte
	if err == nil {
		config, err = issued.Client.Text()
	}
	l := s.language(r)
	switch {
	case err == nil:
		w.Header().Set("Cache-Control", "no-store")
		s.sendScript(w, http.StatusOK, configWithoutKey{string(config), issued.Client.FileName() + ".conf"})
	case errors.Is(err, peers.ErrInvite):
		s.sendScript(w, http.StatusGone, scriptProblem{l.T("invite.ended")})
	case errors.Is(err, peers.ErrNoEndpoint): // whose remedy is for the admin
		s.sendScript(w, http.StatusServiceUnavailable, scriptProblem{l.T("invite.later")})
	default:
		s.answerScript(w, r, nil, err)
	}
}
