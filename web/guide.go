package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"homeward/web/api"
	"homeward/web/languages"
)

// guidePage is how the port is opened by hand, with the joints that tell whether
// it worked.
type guidePage struct {
	layout
	Guide  api.Guide
	Since  string // when the owner said that he has done it; empty: he has not
	Menu   string // the way through the router's pages
	Joints []jointView
}

func (s *Server) showGuide(w http.ResponseWriter, r *http.Request) {
	g, err := s.cfg.Router.Guide(r.URL.Query().Get("router"))
	var failure *api.Failure
	switch {
	case errors.As(err, &failure):
		s.message(w, r, failure.Status, s.language(r).T("layout.not_found"), problem(s.language(r), err))
		return
	case err != nil:
		s.broken(w, r, err)
		return
	}
	l := s.language(r)
	page := guidePage{layout: s.layout(r, l.T("home.by_hand")), Guide: inWords(l, g), Menu: strings.Join(g.Menu, " › "), Joints: s.view(l, time.Now(), nil).Joints}
	if !g.ByHand.IsZero() {
		page.Since = l.Date(g.ByHand)
	}
	page.Joints = slices.DeleteFunc(page.Joints, func(j jointView) bool { return j.Key != "port" && j.Key != "outside" })
	s.render(w, r, http.StatusOK, "guide.html", page)
}

// inWords says what a guide says itself. The names of menus are the router's.
func inWords(l *languages.Language, g api.Guide) api.Guide {
	g.Why, g.Hint, g.Switch = l.Plain(g.Why), l.Plain(g.Hint), l.Plain(g.Switch)
	return g
}

func (s *Server) forwardedByHand(w http.ResponseWriter, r *http.Request) {
	s.afterByHand(w, r, s.cfg.Router.ForwardByHand(r.Context(), r.PostFormValue("router")))
}

func (s *Server) notByHand(w http.ResponseWriter, r *http.Request) {
	s.afterByHand(w, r, s.cfg.Router.AskRouterAgain(r.Context()))
}

func (s *Server) afterByHand(w http.ResponseWriter, r *http.Request, err error) {
	var failure *api.Failure
	switch {
	case errors.As(err, &failure):
		s.message(w, r, failure.Status, s.language(r).T("layout.not_found"), problem(s.language(r), err))
	case err != nil:
		s.broken(w, r, err)
	default:
		http.Redirect(w, r, "/guide", http.StatusSeeOther)
	}
}
