package api

import "net/http"

// ShelterHandler serves what is left of the interface without the database: the
// status. All else is refused for the given reason.
func ShelterHandler(status func() Status, why string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, "application/json", status())
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		Refuse(w, http.StatusServiceUnavailable, why)
	})
	return mux
}
