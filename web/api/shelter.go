package api

import (
	"log/slog"
	"net/http"
)

// ShelterConfig is what a ShelterHandler needs. All fields are required.
type ShelterConfig struct {
	Status   func() Status
	Restorer Restorer
	Why      string // all else is refused
	Logger   *slog.Logger
}

// ShelterHandler serves what is left of the interface without the database: the
// status, and a backup that puts one in its place.
func ShelterHandler(cfg ShelterConfig) http.Handler {
	h := handler{Config{Logger: cfg.Logger}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) {
		h.reply(w, http.StatusOK, cfg.Status())
	})
	mux.HandleFunc("POST /api/v1/restore", func(w http.ResponseWriter, r *http.Request) { h.restore(w, r, cfg.Restorer) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		Refuse(w, http.StatusServiceUnavailable, cfg.Why)
	})
	return mux
}
