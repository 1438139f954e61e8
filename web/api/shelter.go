package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// startNormally is there in a shelter only, and on the socket only.
const startNormally = "/api/v1/start-normally"

// StartNormally ends a shelter. Done is false when homeward runs normally already.
func (c *Client) StartNormally(ctx context.Context) (done bool, err error) {
	err = c.call(ctx, "POST", startNormally, nil, nil)
	var p *Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

// ShelterConfig is what a ShelterHandler needs. All fields are required.
type ShelterConfig struct {
	Status   func() Status
	Restorer Restorer
	// Leave makes homeward start normally, or says why that would fail again.
	Leave  func(context.Context) error
	Why    string // all else is refused
	Logger *slog.Logger
}

// ShelterHandler serves what is left of the interface without the database: the
// status, a backup that puts one in its place, and the way back.
func ShelterHandler(cfg ShelterConfig) http.Handler {
	h := handler{Config: Config{Restorer: cfg.Restorer, Logger: cfg.Logger}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) {
		h.reply(w, http.StatusOK, cfg.Status().full())
	})
	mux.HandleFunc("POST "+RestorePath, h.restore)
	mux.HandleFunc("POST "+startNormally, func(w http.ResponseWriter, r *http.Request) {
		if err := cfg.Leave(r.Context()); err != nil {
			h.fail(w, &Failure{Status: http.StatusConflict, Err: err})
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		Refuse(w, http.StatusServiceUnavailable, cfg.Why)
	})
	return mux
}
