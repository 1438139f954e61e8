package api

import (
	"net/http"
	"slices"
	"strings"
)

// Nothing answers to what no row of mux's table answers to: 405 with the methods
// that there are (RFC 9110, section 15.5.6), else 404. It has to be in mux itself, under
// a pattern that all others are more specific than.
func Nothing(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var there []string
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != r.Pattern {
				there = append(there, method)
			}
		}
		if len(there) == 0 || slices.Contains(there, r.Method) {
			Refuse(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
			return
		}
		w.Header().Set("Allow", strings.Join(there, ", "))
		Refuse(w, http.StatusMethodNotAllowed, r.Method+" is not possible here: there are "+strings.Join(there, ", "))
	}
}
