package web

import (
	"errors"
	"io"
	"net/http"
	"time"

	"homeward/web/api"
)

// restorePath is where the page takes a large body, as api.RestorePath does.
const restorePath = "/setup/restore"

// restoreTime bounds how long a backup may be on its way.
const restoreTime = 15 * time.Minute

// restorePage asks for a backup once more, with what was wrong.
type restorePage struct {
	layout
	Form restoreForm
}

// restoreForm is the form for a backup.
type restoreForm struct {
	Token       string
	FileProblem string
	KeyProblem  string
}

// restoredPage says that homeward starts again.
type restoredPage struct {
	layout
	api.Restored
}

// Restore is the form on the page of the setup link.
func (p setupPage) Restore() restoreForm { return restoreForm{Token: p.Token} }

// restore makes the box the homeward of a backup, for whoever has the setup link.
// Nothing large is read before the link was looked at.
func (s *Server) restore(w http.ResponseWriter, r *http.Request) {
	u, err := api.ReadUpload(r, "file")
	if err != nil {
		s.message(w, r, http.StatusBadRequest, s.language(r).T("layout.not_done"), problem(s.language(r), err))
		return
	}
	claimed, err := s.cfg.Account.Claimed(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	token := u.Fields["token"]
	if claimed || !s.cfg.Account.LinkValid(token) {
		s.showSetup(w, r, http.StatusGone, "", "")
		return
	}
	patience := http.NewResponseController(w)
	if err := errors.Join(patience.SetReadDeadline(time.Now().Add(restoreTime)), patience.SetWriteDeadline(time.Now().Add(restoreTime+time.Minute))); err != nil {
		s.broken(w, r, err)
		return
	}
	done, err := s.cfg.Restorer.Restore(r.Context(), u.Fields["key"], u.File, false)
	if err == nil {
		s.render(w, r, http.StatusOK, "restored.html", restoredPage{s.bare(r, s.language(r).T("restore.title")), done})
		return
	}
	// A browser shows no answer that comes before it has sent everything. What is read
	// for nothing is bounded like the rest.
	_, _ = io.Copy(io.Discard, u.File)
	s.restoreRefused(w, r, token, err)
}

func (s *Server) restoreRefused(w http.ResponseWriter, r *http.Request, token string, err error) {
	var failure *api.Failure
	if !errors.As(err, &failure) {
		s.broken(w, r, err)
		return
	}
	p := restorePage{layout: s.bare(r, s.language(r).T("restore.have")), Form: restoreForm{Token: token}}
	if why := problem(s.language(r), failure); failure.Field == "key" {
		p.Form.KeyProblem = why
	} else {
		p.Form.FileProblem = why
	}
	s.render(w, r, failure.Status, "restore.html", p)
}
