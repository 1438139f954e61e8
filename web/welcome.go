package web

import (
	"net/http"
	"slices"
	"time"

	"homeward/web/api"
)

// welcomePage follows the first password: whether the way home is open, and the
// first phone.
type welcomePage struct {
	layout
	Joints   []jointView
	ByHand   bool   // the port has to be opened by hand
	Looking  bool   // something is not known yet
	Nameless bool   // no DNS name is kept for the house
	Strength string // of the password that was set just now
}

// checked are the joints that can be looked at before there is a device.
var checked = []string{"device", "router", "port", "address"}

func (s *Server) welcome(w http.ResponseWriter, r *http.Request) {
	l := s.language(r)
	page := welcomePage{layout: s.layout(r, l.T("welcome.title")), ByHand: s.cfg.Status().Guide != nil, Nameless: !s.cfg.DNS.DNSName().Chosen}
	page.Joints = slices.DeleteFunc(s.view(l, time.Now(), nil).Joints, func(j jointView) bool { return !slices.Contains(checked, j.Key) })
	page.Looking = slices.ContainsFunc(page.Joints, func(j jointView) bool { return j.State == string(api.JointUnknown) })
	page.Strength = s.sessions.PopString(r.Context(), strengthKey)
	s.render(w, r, http.StatusOK, "welcome.html", page)
}
