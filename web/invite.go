package web

import (
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"homeward/peers"
	"homeward/peers/qr"
	"homeward/web/api"
)

// These pages are for people without a login, who have a secret of 128 bits
// instead. Nobody guesses one: the limits are against load and noise.
const (
	openings   = 20 // at once from one place, and then
	openAgain  = 6 * time.Second
	showings   = 120
	showsAgain = time.Second
)

// invitePage offers to open an invite. It is the same for all there are, and for
// those that never were any.
type invitePage struct {
	layout
	Token, Problem string
}

// linkPage shows an invite's link to the admin.
type linkPage struct {
	layout
	ID          int64
	Link, Until string
	Picture     template.HTML
}

// handoverPage shows a code to who opened an invite.
type handoverPage struct {
	layout
	Path  string // where the parts are
	Code  *codeView
	Apple string // the profile's file
}

// makeInvite shows a new link once. Asking again makes another one, and the one
// before ends.
func (s *Server) makeInvite(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	l := s.language(r)
	invite, err := s.cfg.Peers.Invite(r.Context(), p.ID, 0)
	if err != nil {
		s.afterChange(w, r, err, "")
		return
	}
	link := s.cfg.PageURL() + api.InvitePath + invite.Token
	code, err := qr.Of([]byte(link))
	var svg []byte
	if err == nil {
		svg, err = code.SVG(l.T("invite.link_picture"))
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "link.html", linkPage{s.layout(r, l.T("invite.link_title", "Name", p.Name)), int64(p.ID), link,
		l.DateTime(invite.Until), template.HTML(svg)}) // drawn by us, with an escaped title
}

// inviteForm only shows a button: programs that look at links before people do
// must not use one up.
func (s *Server) inviteForm(w http.ResponseWriter, r *http.Request) {
	l := s.language(r)
	s.render(w, r, http.StatusOK, "invite.html", invitePage{s.bare(r, l.T("invite.title")), r.PathValue("token"), ""})
}

func (s *Server) openInvite(w http.ResponseWriter, r *http.Request) {
	l := s.language(r)
	if _, wait := s.openings.Take(s.client(r)); wait > 0 {
		s.tooOften(w, r, wait)
		return
	}
	if key := r.PostFormValue("public_key"); r.PostForm.Has("public_key") {
		s.openWithKey(w, r, key)
		return
	}
	_, ticket, err := s.cfg.Peers.OpenInvite(r.Context(), r.PathValue("token"))
	switch {
	case err == nil:
		http.Redirect(w, r, "/handover/"+string(ticket), http.StatusSeeOther)
	case errors.Is(err, peers.ErrInvite):
		s.render(w, r, http.StatusGone, "invite.html", invitePage{s.bare(r, l.T("invite.title")), "", l.T("invite.ended")})
	case errors.Is(err, peers.ErrNoEndpoint): // whose remedy is for the admin
		s.render(w, r, http.StatusServiceUnavailable, "invite.html", invitePage{s.bare(r, l.T("invite.title")), r.PathValue("token"),
			l.T("invite.later")})
	default:
		s.broken(w, r, err)
	}
}

// withTicket finds the code that a ticket shows.
func (s *Server) withTicket(next func(http.ResponseWriter, *http.Request, peers.Issued)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l := s.language(r)
		if _, wait := s.showings.Take(s.client(r)); wait > 0 {
			s.tooOften(w, r, wait)
			return
		}
		i, err := s.cfg.Peers.IssuedTo(peers.Ticket(r.PathValue("ticket")))
		if err != nil {
			s.render(w, r, http.StatusGone, "invite.html", invitePage{s.bare(r, l.T("invite.title")), "", l.T("invite.forgotten")})
			return
		}
		next(w, r, i)
	}
}

func (s *Server) showHandover(w http.ResponseWriter, r *http.Request, i peers.Issued) {
	l := s.language(r)
	code := s.codeOf(i)
	s.render(w, r, http.StatusOK, "handover.html", handoverPage{s.bare(r, l.T("invite.title")), "/handover/" + r.PathValue("ticket"), code, i.Client.FileName() + ".mobileconfig"})
}

// handoverPart sends one form of the code.
func (s *Server) handoverPart(w http.ResponseWriter, r *http.Request, i peers.Issued) {
	var body []byte
	var err error
	switch r.PathValue("part") {
	case "config":
		if body, err = i.Client.Text(); err == nil {
			api.SendFile(w, "text/plain; charset=utf-8", i.Client.FileName()+".conf", body)
		}
	case "code.svg":
		if body, err = i.Client.QRSVG(); err == nil {
			api.SendFile(w, "image/svg+xml", "", body)
		}
	case "mobileconfig":
		err = api.SendMobileConfig(w, r.URL.Query(), i)
	default:
		s.notFound(w, r)
	}
	s.partFailed(w, r, err)
}

func (s *Server) partFailed(w http.ResponseWriter, r *http.Request, err error) {
	var field *peers.FieldError
	switch {
	case err == nil:
	case errors.As(err, &field):
		s.message(w, r, http.StatusBadRequest, s.language(r).T("layout.not_done"), problem(s.language(r), err))
	case s.ownFault(err):
		s.broken(w, r, err)
	default:
		s.message(w, r, http.StatusConflict, s.language(r).T("layout.not_done"), problem(s.language(r), err))
	}
}

func (s *Server) tooOften(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	l := s.language(r)
	w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
	s.render(w, r, http.StatusTooManyRequests, "invite.html", invitePage{s.bare(r, l.T("invite.title")), "", l.T("invite.too_often")})
}
