package web

import (
	"fmt"
	"net/http"

	"homeward/web/languages"
)

// Shelter is a homeward without its database. Nobody can log in, and its page is one
// sentence for anybody: it names no device and no folder.
type Shelter struct {
	Safe    bool // it is in safe mode, and the database may be a good one
	Returns bool // it starts normally by itself
}

// Why is why nothing can be changed.
func (s Shelter) Why(l *languages.Language) string {
	if s.Safe {
		return l.T("shelter.safe")
	}
	return l.T("shelter.database")
}

// Handler serves the page.
func (s Shelter) Handler() http.Handler {
	texts := languages.Load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := texts.Accepted(r.Header.Get("Accept-Language"))
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Content-Language", l.Tag())
		w.WriteHeader(http.StatusServiceUnavailable)
		said := s.Why(l)
		switch {
		case s.Returns && s.Safe:
			said += " " + l.T("shelter.by_itself_later")
		case s.Returns:
			said += " " + l.T("shelter.by_itself")
		}
		fmt.Fprintf(w, "%s\n\n%s\n", said, l.T("shelter.on_the_box"))
	})
}
