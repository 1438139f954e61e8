package web

import (
	"net/http"
	"time"

	"homeward/web/api"
)

// downloadSupport hands out what helps somebody to help.
func (s *Server) downloadSupport(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	b, err := s.cfg.Support(r.Context(), now)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	api.SendFile(w, "application/zip", api.SupportFile(now), b)
}
