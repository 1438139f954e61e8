package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"homeward/peers"
	"homeward/web/words"
)

// peerPage is one device, with its code while that is remembered or kept.
type peerPage struct {
	layout
	Peer  peerView
	Code  *codeView
	Stale bool // its code has been forgotten, and it has never been here
	Next  bool // a new code waits for its first use
	// OwnKey says that the latest code is the device's own secret, of which nothing is
	// here that could be shown or kept.
	OwnKey bool
	Reach  reachForm
	Past   past
	Test   *testView // beside a code
}

// removePage asks how a device is to be removed.
type removePage struct {
	layout
	Peer    peerView
	Seconds int // in which it can be undone
}

// withPeer finds the device that the path names.
func (s *Server) withPeer(next func(http.ResponseWriter, *http.Request, peers.Peer)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		var p peers.Peer
		if err == nil {
			p, err = s.cfg.Peers.Get(peers.ID(id))
		}
		if err != nil {
			s.notFound(w, r)
			return
		}
		next(w, r, p)
	}
}

func (s *Server) showPeer(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	s.peerPage(w, r, http.StatusOK, p, reachOf(p))
}

// peerPage shows a device, with what was typed about its access.
func (s *Server) peerPage(w http.ResponseWriter, r *http.Request, status int, p peers.Peer, reach reachForm) {
	l := s.language(r)
	page := peerPage{layout: s.layout(r, string(p.Name)), Peer: peerOf(l, p, time.Now()), Reach: reach}
	page.Next, page.OwnKey = p.Renewing(), p.OwnKey
	if page.Next {
		page.OwnKey = p.NextOwnKey
	}
	i, err := s.cfg.Peers.Issued(p.ID)
	switch {
	case err == nil:
		if page.May {
			page.Code = s.codeOf(i)
			if !page.Code.Again {
				page.Test = s.testOf(l, p)
			}
			for n, english := range page.Code.Warnings {
				page.Code.Warnings[n] = words.Sentence(l.Plain(english))
			}
		}
	case errors.Is(err, peers.ErrForgotten), errors.Is(err, peers.ErrOutdated):
		page.Stale = p.Seen.IsZero()
	default:
		s.broken(w, r, err)
		return
	}
	if page.Past, err = s.past(r, p, time.Now()); err != nil { // the rest is more important
		s.cfg.Logger.Error("reading a device's history failed", "peer", p.ID, "err", err)
	}
	s.render(w, r, status, "peer.html", page)
}

// enable switches a device on or off.
func (s *Server) enable(on bool) func(http.ResponseWriter, *http.Request, peers.Peer) {
	return func(w http.ResponseWriter, r *http.Request, p peers.Peer) {
		_, err := s.cfg.Peers.Edit(r.Context(), p.ID, 0, peers.Change{Enabled: &on})
		s.afterChange(w, r, err, peerURL(p.ID))
	}
}

// newCode hands out a new code; the old one works until the new one is used.
func (s *Server) newCode(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	_, err := s.cfg.Peers.Rotate(r.Context(), p.ID)
	s.afterChange(w, r, err, peerURL(p.ID))
}

func (s *Server) confirmRemove(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	l := s.language(r)
	s.render(w, r, http.StatusOK, "remove.html", removePage{s.layout(r, l.T("remove.title", "Name", p.Name)), peerOf(l, p, time.Now()), int(undoLasts / time.Second)})
}

// undoLasts is how long a removal can be undone on the page.
const undoLasts = 20 * time.Second

// removePeer removes a device: at once, or so that it can be undone for a moment.
func (s *Server) removePeer(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	if r.PostFormValue("undo") == "" {
		s.afterChange(w, r, s.cfg.Peers.Remove(r.Context(), p.ID), "/")
		return
	}
	_, err := s.cfg.Peers.RemoveLater(r.Context(), p.ID, undoLasts)
	s.afterChange(w, r, err, "/#devices")
}

// keepPeer undoes a removal.
func (s *Server) keepPeer(w http.ResponseWriter, r *http.Request, p peers.Peer) {
	_, err := s.cfg.Peers.Keep(r.Context(), p.ID)
	s.afterChange(w, r, err, peerURL(p.ID))
}

func (s *Server) afterChange(w http.ResponseWriter, r *http.Request, err error, next string) {
	var field *peers.FieldError
	switch {
	case err == nil:
		http.Redirect(w, r, next, http.StatusSeeOther)
	case errors.As(err, &field):
		s.message(w, r, http.StatusBadRequest, s.language(r).T("layout.not_done"), problem(s.language(r), err))
	case errors.Is(err, peers.ErrNotFound):
		s.notFound(w, r)
	case s.ownFault(err):
		s.broken(w, r, err)
	default:
		s.message(w, r, http.StatusServiceUnavailable, s.language(r).T("layout.not_done_yet"), problem(s.language(r), err))
	}
}

// ownFault tells errors that a person can do something about from all others.
func (s *Server) ownFault(err error) bool {
	var field *peers.FieldError
	if errors.As(err, &field) {
		return false
	}
	for _, known := range []error{peers.ErrNoEndpoint, peers.ErrNoAddress, peers.ErrNameTaken, peers.ErrKeyTaken, peers.ErrTooLong, peers.ErrNotApplied, peers.ErrConflict, peers.ErrNoPrivateKey} {
		if errors.Is(err, known) {
			return false
		}
	}
	return true
}
