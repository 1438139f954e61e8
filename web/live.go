package web

import (
	"encoding/json"
	"net/http"
	"time"

	"homeward/web/api"
)

// liveEvery is how often an open page hears what is new.
const liveEvery = 2 * time.Second

// follow keeps a page up to date by server-sent events. It ends with the
// session, with the server, or when the reader is gone.
func (s *Server) follow(w http.ResponseWriter, r *http.Request) {
	select {
	case s.live <- struct{}{}:
		defer func() { <-s.live }()
	default:
		w.Header().Set("Retry-After", "30")
		api.Refuse(w, http.StatusServiceUnavailable, "too many pages are open")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	tested, l := s.testedPeer(r), s.language(r)
	out, token := http.NewResponseController(w), s.sessions.Token(r.Context())
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for last := ""; ; {
		// Read anew: it may have ended in another tab.
		session, err := s.sessions.Load(s.ended, token)
		if err != nil {
			return
		}
		if in, err := s.loggedIn(session); err != nil || !in {
			return
		}
		news, err := json.Marshal(s.news(l, time.Now(), r.URL.Query(), tested))
		if err != nil {
			s.cfg.Logger.Error("writing live news failed", "err", err)
			return
		}
		line := ": nothing new\n\n" // also tells whether the reader is still there
		if string(news) != last {
			last = string(news)
			line = "data: " + last + "\n\n"
		}
		out.SetWriteDeadline(time.Now().Add(10 * time.Second)) // a server without deadlines needs none
		if _, err := w.Write([]byte(line)); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.ended.Done():
			return
		case <-tick.C:
		}
	}
}
