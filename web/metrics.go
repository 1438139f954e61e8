package web

import (
	"net/http"

	"homeward/web/account"
	"homeward/web/api"
	"homeward/web/metrics"
)

// metrics answers a collector. Each device by itself, with peers=id or peers=name, is
// for who may also look at devices: whoever makes the collector's token decides.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	of := metrics.Devices(r.URL.Query().Get("peers"))
	switch of {
	case metrics.Sums:
	case metrics.IDs, metrics.Names:
		if !account.CallerOf(r.Context()).May.Allow(account.ScopeRead) {
			api.RefuseScope(w, account.ScopeRead)
			return
		}
	default:
		api.Refuse(w, http.StatusBadRequest, "peers is neither id nor name")
		return
	}
	w.Header().Set("Content-Type", metrics.ContentType)
	w.Write(s.meter.Text(of)) // the client went away: nobody to tell
}
