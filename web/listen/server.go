package listen

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer makes an http.Server that cuts slow clients off: a page in the house
// is asked for little, and answers at once. A handler that streams sets
// deadlines of its own.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		// Strangers' TLS failures would fill the log.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
