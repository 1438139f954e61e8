package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"homeward/peers"
	"homeward/web/languages"
)

// editPage changes a device.
type editPage struct {
	layout
	ID       int64
	Form     editForm
	Kinds    []peers.Kind
	Problem  string            // said above the form
	Problems map[string]string // said beside the field
	Now      []difference      // after a conflict: what has another value now
}

// editForm keeps what was typed.
type editForm struct {
	Version                           string
	Name, Kind, Note, Profile, Access string
	Expires                           string // as <input type=datetime-local> has it, in the box's time zone
	IdleDays, Keepalive               string
	Routes, Resolvers                 string
	DNS                               bool
}

// difference is a field that somebody else changed.
type difference struct{ Label, Value string }

// formTime is how browsers write a local time; seconds are left out when they are zero.
const formTime = "2006-01-02T15:04:05"

func formOf(p peers.Peer) editForm {
	f := editForm{
		Version: strconv.FormatInt(p.Version, 10), Name: string(p.Name), Kind: string(p.Kind), Note: p.Note, Profile: string(p.Profile),
		Access: string(p.Access), IdleDays: strconv.Itoa(p.IdleDays), Keepalive: strconv.Itoa(int(p.Keepalive / time.Second)), DNS: p.DNS,
		Routes: string(p.Routes), Resolvers: string(p.Resolvers),
	}
	if !p.Expires.IsZero() {
		f.Expires = p.Expires.Local().Format(formTime)
	}
	return f
}

func typedForm(r *http.Request) editForm {
	return editForm{
		Version: r.PostFormValue("version"), Name: r.PostFormValue("name"), Kind: r.PostFormValue("kind"),
		Note: strings.ReplaceAll(r.PostFormValue("note"), "\r\n", "\n"), Profile: r.PostFormValue("profile"), Access: r.PostFormValue("access"),
		Expires: r.PostFormValue("expires"), IdleDays: r.PostFormValue("idle_days"), Keepalive: r.PostFormValue("keepalive"), DNS: r.PostFormValue("dns") != "",
		Routes: r.PostFormValue("allowed_ips"), Resolvers: r.PostFormValue("resolvers"),
	}
}

// change is what the form asks for.
func (f editForm) change() (peers.Change, error) {
	number := func(field, s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil && s != "" {
			return 0, &peers.FieldError{Field: field, Problem: "this is not a whole number"}
		}
		return n, nil
	}
	keepalive, err1 := number("keepalive", f.Keepalive)
	idle, err2 := number("idle_days", f.IdleDays)
	expires, err3 := f.expires()
	kind, profile, access, beat := peers.Kind(f.Kind), peers.Profile(f.Profile), peers.Access(f.Access), time.Duration(min(max(keepalive, -1), 1<<30))*time.Second
	routes, resolvers := peers.Routes(f.Routes), peers.Resolvers(f.Resolvers)
	return peers.Change{
		Routes: &routes, Resolvers: &resolvers,
		Name: &f.Name, Kind: &kind, Note: &f.Note, Profile: &profile, Access: &access, DNS: &f.DNS, Keepalive: &beat, Expires: &expires, IdleDays: &idle,
	}, errors.Join(err1, err2, err3)
}

func (f editForm) expires() (time.Time, error) {
	if f.Expires == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{formTime, "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, f.Expires, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, &peers.FieldError{Field: "expires", Problem: "this is not a time: write it as 2026-12-24 18:00"}
}

// differences lists what of now is not as it was typed.
func (f editForm) differences(l *languages.Language, now peers.Peer) []difference {
	n := formOf(now)
	return changedTo([]typedField{
		{l.T("edit.name"), f.Name, n.Name}, {l.T("peer.kind"), l.Code("peer.kind", f.Kind), l.Code("peer.kind", n.Kind)}, {l.T("peer.note"), f.Note, n.Note}, {l.T("peer.through"), f.Profile, n.Profile},
		{l.T("edit.may_reach"), f.Access, n.Access}, {l.T("peer.ends"), f.Expires, n.Expires}, {l.T("edit.idle_short"), f.IdleDays, n.IdleDays}, {l.T("edit.keepalive"), f.Keepalive, n.Keepalive},
		{l.T("edit.allowed_ips"), f.Routes, n.Routes}, {l.T("edit.resolvers"), f.Resolvers, n.Resolvers},
	})
}

func (s *Server) editForm(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	s.showEdit(w, r, http.StatusOK, p, editPage{Form: formOf(p)})
}

func (s *Server) showEdit(w http.ResponseWriter, r *http.Request, status int, p peers.Peer, page editPage) {
	page.layout, page.ID, page.Kinds = s.layout(r, s.language(r).T("edit.title", "Name", p.Name)), int64(p.ID), peers.Kinds()
	s.render(w, r, status, "edit.html", page)
}

func (s *Server) editPeer(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	l, form := s.language(r), typedForm(r)
	page := editPage{Form: form, Problems: map[string]string{}}
	version, err := strconv.ParseInt(form.Version, 10, 64)
	if err != nil || version <= 0 {
		version = -1 // no version of ours: shown as a conflict
	}
	change, err := form.change()
	if err == nil {
		_, err = s.cfg.Peers.Edit(r.Context(), p.ID, version, change)
	}
	var field *peers.FieldError
	switch {
	case errors.As(err, &field):
		page.Problems[field.Field] = problem(l, field)
		s.showEdit(w, r, http.StatusBadRequest, p, page)
	case errors.Is(err, peers.ErrConflict):
		if p, err = s.cfg.Peers.Get(p.ID); err != nil {
			s.notFound(w, r)
			return
		}
		page.Problem = l.T("edit.conflict")
		page.Now = form.differences(l, p)
		page.Form.Version = strconv.FormatInt(p.Version, 10)
		s.showEdit(w, r, http.StatusPreconditionFailed, p, page)
	default:
		s.afterChange(w, r, err, peerURL(p.ID))
	}
}
