package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"homeward/web/api"
)

// Paths of a restore: the first takes a large body, as api.RestorePath does.
const (
	restorePath     = "/setup/restore"
	restoreTakePath = "/setup/restore/take"
)

// BackupHolder holds a backup between two pages, so that what it would bring is seen
// before it is put in place. Failures that are the caller's are *api.Failure.
type BackupHolder interface {
	// Hold verifies a sealed backup completely and keeps it for some minutes, under a
	// name that nobody can guess. The one that was held before is forgotten.
	Hold(ctx context.Context, key string, sealed io.Reader) (found api.Restored, id string, err error)
	// Take puts it in place and has homeward start again.
	Take(ctx context.Context, id string) (api.Restored, error)
}

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

// toRestorePage says what is in a backup that is held, and asks.
type toRestorePage struct {
	layout
	Token, ID string
	Found     api.Restored
}

// restoredPage says that homeward starts again.
type restoredPage struct {
	layout
	Done api.Restored
}

// Restore is the form on the page of the setup link.
func (p setupPage) Restore() restoreForm { return restoreForm{Token: p.Token} }

// mayRestore says whether somebody has the setup link, and else answers.
func (s *Server) mayRestore(w http.ResponseWriter, r *http.Request, token string) bool {
	claimed, err := s.cfg.Account.Claimed(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return false
	}
	if claimed || !s.cfg.Account.LinkValid(token) {
		s.showSetup(w, r, http.StatusGone, "", "")
		return false
	}
	return true
}

// lookAtBackup verifies a backup and says what is in it, for whoever has the setup link.
// Nothing large is read before the link was looked at, and nothing is replaced.
func (s *Server) lookAtBackup(w http.ResponseWriter, r *http.Request) {
	u, err := api.ReadUpload(r, "file")
	if err != nil {
		s.message(w, r, http.StatusBadRequest, s.language(r).T("layout.not_done"), problem(s.language(r), err))
		return
	}
	token := u.Fields["token"]
	if !s.mayRestore(w, r, token) {
		return
	}
	patience := http.NewResponseController(w)
	if err := errors.Join(patience.SetReadDeadline(time.Now().Add(restoreTime)), patience.SetWriteDeadline(time.Now().Add(restoreTime+time.Minute))); err != nil {
		s.broken(w, r, err)
		return
	}
	found, id, err := s.cfg.BackupHolder.Hold(r.Context(), u.Fields["key"], u.File)
	if err != nil {
		// A browser shows no answer that comes before it has sent everything. What is
		// read for nothing is bounded like the rest.
		_, _ = io.Copy(io.Discard, u.File)
		s.restoreRefused(w, r, token, err)
		return
	}
	s.render(w, r, http.StatusOK, "torestore.html", toRestorePage{s.bareFor(r, "restore.found", token), token, id, found})
}

// restore makes the box the homeward of the backup that was looked at.
func (s *Server) restore(w http.ResponseWriter, r *http.Request) {
	token := r.PostFormValue("token")
	if !s.mayRestore(w, r, token) {
		return
	}
	done, err := s.cfg.BackupHolder.Take(r.Context(), r.PostFormValue("id"))
	if err != nil {
		s.restoreRefused(w, r, token, err)
		return
	}
	s.render(w, r, http.StatusOK, "restored.html", restoredPage{s.bare(r, s.language(r).T("restore.title")), done})
}

// bareFor is the frame of a page that can be seen again only from its beginning, which
// is the setup link's.
func (s *Server) bareFor(r *http.Request, title, token string) layout {
	l := s.bare(r, s.language(r).T(title))
	l.Here = setupURL(token)
	return l
}

func (s *Server) restoreRefused(w http.ResponseWriter, r *http.Request, token string, err error) {
	var failure *api.Failure
	if !errors.As(err, &failure) {
		s.broken(w, r, err)
		return
	}
	p := restorePage{layout: s.bareFor(r, "restore.have", token), Form: restoreForm{Token: token}}
	if why := problem(s.language(r), failure); failure.Field == "key" {
		p.Form.KeyProblem = why
	} else {
		p.Form.FileProblem = why
	}
	s.render(w, r, failure.Status, "restore.html", p)
}
