package web

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"homeward/web/api"
)

// guidePage is how the port is opened by hand, with the joints that tell whether
// it worked.
type guidePage struct {
	layout
	Guide  api.Guide
	Joints []jointView
}

func (s *Server) showGuide(w http.ResponseWriter, r *http.Request) {
	g, err := s.cfg.Router.Guide(r.URL.Query().Get("router"))
	var failure *api.Failure
	switch {
	case errors.As(err, &failure):
		s.message(w, r, failure.Status, s.language(r).T("layout.not_found"), sentenceOf(err))
		return
	case err != nil:
		s.broken(w, r, err)
		return
	}
	page := guidePage{layout: s.layout(r, "Open the port by hand"), Guide: g, Joints: s.view(s.language(r), time.Now()).Joints}
	page.Joints = slices.DeleteFunc(page.Joints, func(j jointView) bool { return j.Key != "port" && j.Key != "outside" })
	s.render(w, r, http.StatusOK, "guide.html", page)
}
