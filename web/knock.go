package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"homeward/web/api"
)

// knockPage has the phone's browser knock at the port from outside. Once it is loaded
// it needs the box no more.
type knockPage struct {
	layout
	Going   bool
	User    string
	Word    string // the knock's password
	Calls   string // where it knocks: addresses with their port, spaces between them
	Seconds int    // that are left
	Joints  []jointView
}

func (s *Server) showKnock(w http.ResponseWriter, r *http.Request) {
	l, now := s.language(r), time.Now()
	page := knockPage{layout: s.layout(r, l.T("knock.title")), Joints: s.view(l, now, nil).Joints}
	page.Joints = slices.DeleteFunc(page.Joints, func(j jointView) bool { return j.Key != "outside" })
	if k, ok := s.cfg.Knocks.Knock(); ok {
		page.Going, page.User, page.Word, page.Seconds = true, k.User, k.Password.Reveal(), int(k.Until.Sub(now)/time.Second)
		var calls []string
		for _, at := range k.Calls {
			calls = append(calls, at.String())
		}
		page.Calls = strings.Join(calls, " ")
	}
	s.render(w, r, http.StatusOK, "knock.html", page)
}

func (s *Server) beginKnock(w http.ResponseWriter, r *http.Request) {
	_, err := s.cfg.Knocks.BeginKnock(r.Context())
	switch {
	case errors.Is(err, api.ErrNoAddress):
		l := s.language(r)
		s.message(w, r, http.StatusConflict, l.T("knock.title"), l.T("knock.no_address"))
	case err != nil:
		s.broken(w, r, err)
	default:
		http.Redirect(w, r, "/knock", http.StatusSeeOther)
	}
}
