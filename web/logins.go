package web

import (
	"cmp"
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"time"

	"homeward/web/account"
)

// What a session remembers of the login that made it.
const (
	loginKey   = "login"   // names it, for who ends it: no secret
	sinceKey   = "since"   // Unix seconds
	fromKey    = "from"    // the address
	browserKey = "browser" // see browserOf
)

// maxLogins bounds how many logins are listed, the latest first.
const maxLogins = 50

// loginView is a place where somebody is logged in.
type loginView struct {
	ID      string
	This    bool // it is the one that asks
	Browser string
	From    string
	Since   string

	since int64
}

// noteLogin lets the session remember where it was made.
func (s *Server) noteLogin(r *http.Request) {
	ctx := r.Context()
	s.sessions.Put(ctx, loginKey, rand.Text())
	s.sessions.Put(ctx, sinceKey, s.cfg.Account.Now().Unix())
	s.sessions.Put(ctx, fromKey, s.client(r).String())
	s.sessions.Put(ctx, browserKey, browserOf(r.UserAgent()))
}

// ownLogin names the login of a session. One of before logins had names gets one, in
// the store at once, where the others are.
func (s *Server) ownLogin(ctx context.Context) (string, error) {
	if id := s.sessions.GetString(ctx, loginKey); id != "" {
		return id, nil
	}
	id := rand.Text()
	s.sessions.Put(ctx, loginKey, id)
	_, _, err := s.sessions.Commit(ctx)
	return id, err
}

// eachLogin visits all sessions of who sent r that are logged in. The visitor's
// context is the session's.
func (s *Server) eachLogin(r *http.Request, visit func(context.Context) error) error {
	me := caller(r)
	return s.sessions.Iterate(r.Context(), func(ctx context.Context) error {
		if s.sessions.GetInt64(ctx, adminKey) != me.ID {
			return nil
		}
		_, in, err := s.loggedIn(ctx) // the password may have changed since
		if err != nil || !in {
			return err
		}
		return visit(ctx)
	})
}

// logins lists where the user who sent r is logged in, this place first.
func (s *Server) logins(r *http.Request) ([]loginView, error) {
	l := s.language(r)
	own, err := s.ownLogin(r.Context())
	if err != nil {
		return nil, err
	}
	var list []loginView
	err = s.eachLogin(r, func(ctx context.Context) error {
		v := loginView{ID: s.sessions.GetString(ctx, loginKey), Browser: s.sessions.GetString(ctx, browserKey), From: s.sessions.GetString(ctx, fromKey), since: s.sessions.GetInt64(ctx, sinceKey)}
		v.This = v.ID == own
		if v.since > 0 { // one of before this was remembered has only its end
			v.Since = l.DateTime(time.Unix(v.since, 0))
		}
		list = append(list, v)
		return nil
	})
	slices.SortFunc(list, func(a, b loginView) int {
		if a.This != b.This {
			return map[bool]int{true: -1, false: 1}[a.This]
		}
		return cmp.Or(cmp.Compare(b.since, a.since), strings.Compare(a.ID, b.ID))
	})
	return list[:min(len(list), maxLogins)], err
}

// endLogins ends one login of who sends it, or all but this one.
func (s *Server) endLogins(w http.ResponseWriter, r *http.Request) {
	own, err := s.ownLogin(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	which, store, ended := r.PostFormValue("login"), s.cfg.Account.Sessions(), false
	err = s.eachLogin(r, func(ctx context.Context) error {
		id := s.sessions.GetString(ctx, loginKey)
		if id == own || which != "" && id != which {
			return nil
		}
		ended = true
		return store.DeleteCtx(ctx, s.sessions.Token(ctx)) // which is hashed here already
	})
	if err == nil && which != "" && !ended {
		err = account.ErrNoLogin
	}
	if err == nil && ended {
		s.cfg.Did(r.Context(), LoginsEnded)
	}
	s.afterAccount(w, r, "logins", err)
}

// browserOf says in two words what a User-Agent header claims to be, or nothing.
func browserOf(agent string) string {
	var words []string
	for _, known := range [][][2]string{
		{{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}},
		{{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Macintosh", "Mac"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}},
	} {
		if i := slices.IndexFunc(known, func(k [2]string) bool { return strings.Contains(agent, k[0]) }); i >= 0 {
			words = append(words, known[i][1])
		}
	}
	return strings.Join(words, ", ")
}
