package web

import (
	"errors"
	"net/http"
	"strings"

	"homeward/peers"
	"homeward/web/languages"
)

// reachForm is the form of what a device may reach.
type reachForm struct {
	Base         string
	Peers, Admin bool
	Things       string // one in a line
	Problem      string // with the things
	Version      string // of what the form shows
	Conflict     string // said above the form
	Now          []difference
}

// More says whether something is chosen beyond the simple kinds.
func (f reachForm) More() bool {
	return f.Peers || f.Admin || f.Things != "" || f.Problem != "" || f.Base == string(peers.AccessNothing)
}

// reachOf fills the form in.
func reachOf(p peers.Peer) reachForm {
	a := p.Access
	g := a.Grants()
	f := reachForm{Base: string(g.Base), Peers: g.Peers, Admin: g.Admin, Version: versionOf(p.Access)}
	g.Base, g.Peers, g.Admin = peers.AccessNothing, false, false
	if things := g.Access(); things != peers.AccessNothing {
		f.Things = strings.ReplaceAll(string(things), "; ", "\n")
	}
	return f
}

// reachWords says what an access gives, in a line.
func reachWords(l *languages.Language, a peers.Access) string {
	g := a.Grants()
	var parts []string
	switch g.Base {
	case peers.AccessEverything:
		parts = append(parts, l.T("access.everything"))
	case peers.AccessHome:
		parts = append(parts, l.T("access.home"))
	case peers.AccessInternet:
		parts = append(parts, l.T("access.internet"))
	}
	if g.Peers {
		parts = append(parts, l.T("access.peers"))
	}
	if g.Admin {
		parts = append(parts, l.T("access.admin"))
	}
	if len(g.Box) > 0 {
		parts = append(parts, l.T("access.box"))
	}
	if n := len(g.Things); n > 0 {
		parts = append(parts, l.T("access.chosen", "Count", n))
	}
	if len(parts) == 0 {
		return l.T("access.names_only")
	}
	return strings.Join(parts, " + ")
}

// access is what the form asks for, as peers.ParseAccess reads it.
func (f reachForm) access() peers.Access {
	parts := []string{f.Base}
	if f.Peers {
		parts = append(parts, "peers")
	}
	if f.Admin {
		parts = append(parts, "admin")
	}
	return peers.Access(strings.Join(append(parts, f.Things), "\n"))
}

// setAccess changes what a device may reach. What was typed stays when it is wrong.
func (s *Server) setAccess(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	f := reachForm{
		Base: r.PostFormValue("access"), Peers: r.PostFormValue("peers") != "", Admin: r.PostFormValue("admin") != "",
		Things: strings.TrimSpace(r.PostFormValue("things")),
	}
	access := f.access()
	f.Version = r.PostFormValue(versionField)
	err := stillThat(r, versionOf(p.Access))
	if err == nil {
		var seen int64 // zero: the last one wins
		if f.Version != "" {
			seen = p.Version
		}
		_, err = s.cfg.Peers.Edit(r.Context(), p.ID, seen, peers.Change{Access: &access})
	}
	if errors.Is(err, peers.ErrConflict) {
		s.accessConflict(w, r, p.ID, f)
		return
	}
	var field *peers.FieldError
	if errors.As(err, &field) && field.Field == "access" {
		f.Problem = problem(s.language(r), field)
		s.peerPage(w, r, http.StatusBadRequest, p, f)
		return
	}
	s.afterChange(w, r, err, peerURL(p.ID))
}

// accessConflict shows what was typed again, and what the device may reach by now.
func (s *Server) accessConflict(w http.ResponseWriter, r *http.Request, id peers.ID, f reachForm) {
	p, err := s.cfg.Peers.Get(id)
	if err != nil {
		s.notFound(w, r)
		return
	}
	l := s.language(r)
	f.Version, f.Conflict = versionOf(p.Access), l.T("edit.conflict")
	f.Now = changedTo([]typedField{{l.T("access.title"), string(f.access()), reachWords(l, p.Access)}})
	s.peerPage(w, r, http.StatusPreconditionFailed, p, f)
}
