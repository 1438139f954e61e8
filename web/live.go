package web

import (
	"encoding/json"
	"net/http"
	"time"

	"homeward/peers/history"
	"homeward/web/account"
	"homeward/web/api"
	"homeward/web/guard"
	"homeward/web/languages"
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
	tested, l, speeds := s.testedPeer(r), s.language(r), rates{}
	happened := s.cfg.History.Follow()
	defer happened.Close()
	out := http.NewResponseController(w)
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for last := ""; ; {
		if !s.mayStillRead(r) {
			return
		}
		news, err := json.Marshal(s.news(l, time.Now(), r.URL.Query(), tested, &speeds))
		if err != nil {
			s.cfg.Logger.Error("writing live news failed", "err", err)
			return
		}
		line := ": nothing new\n\n" // also tells whether the reader is still there
		if string(news) != last {
			last = string(news)
			line = "data: " + last + "\n\n"
		}
		rows, err := json.Marshal(s.rowsOf(l, happened))
		if err != nil {
			s.cfg.Logger.Error("writing what happened failed", "err", err)
			return
		}
		if string(rows) != "null" {
			line += "event: log\ndata: " + string(rows) + "\n\n"
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

// mayStillRead reports whether the login or the token of a request that lasts still
// lets anybody look. It is read anew: it may have ended in another tab.
func (s *Server) mayStillRead(r *http.Request) bool {
	if text, ok := guard.Token(r); ok {
		t, owner, err := s.cfg.Bearers.Check(s.ended, s.client(r), text)
		if err != nil {
			return false
		}
		u, there, err := s.cfg.Account.User(s.ended, owner)
		return err == nil && there && t.Scopes.Within(u.Role.Scopes()).Allow(account.ScopeRead)
	}
	session, err := s.sessions.Load(s.ended, s.sessions.Token(r.Context()))
	if err != nil {
		return false
	}
	u, in, err := s.loggedIn(session)
	return err == nil && in && u.Role.Scopes().Allow(account.ScopeRead)
}

// rowsOf are the lines of the log that are new, the oldest first.
func (s *Server) rowsOf(l *languages.Language, happened *history.Subscription) (rows []logRow) {
	for {
		select {
		case e := <-happened.C:
			rows = append(rows, s.logRow(l, e))
		default:
			return rows
		}
	}
}
