package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"homeward/web/api"
	"homeward/web/words"
)

// backupPage is where backups are made.
type backupPage struct {
	layout
	Last     string // how old the last one is; empty: none was made
	Recovery bool   // there is a recovery code
	Nightly  *api.NightlyBackup
	Night    string // when the last nightly one was written
	Problem  string // of the nightly ones
	Advice   string
	Form     backupForm
}

// backupForm keeps what was typed, and says what is wrong with it.
type backupForm struct {
	Folder, Keep      string
	PassphraseProblem string
	NightlyProblem    string
	Now               []difference // after a conflict: what the nightly ones are now
	Version           string       // of the nightly ones that the form shows
	CodeProblem       string
}

// recoveryPage shows the recovery code, once.
type recoveryPage struct {
	layout
	Code string
}

// nightlyVersion names how the nightly backups are.
func nightlyVersion(b api.BackupState) string {
	if b.Nightly == nil {
		return versionOf()
	}
	return versionOf(b.Nightly.Folder, b.Nightly.Keep)
}

func (s *Server) showBackup(w http.ResponseWriter, r *http.Request) {
	s.drawBackup(w, r, http.StatusOK, backupForm{})
}

func (s *Server) drawBackup(w http.ResponseWriter, r *http.Request, status int, form backupForm) {
	b := s.cfg.Backups.Backup()
	l, now := s.language(r), time.Now()
	p := backupPage{layout: s.layout(r, l.T("backup.title")), Recovery: b.RecoveryCode, Nightly: b.Nightly, Form: form}
	if b.Problem != "" {
		p.Problem, p.Advice = words.Sentence(l.Plain(b.Problem)), words.Sentence(l.Plain(b.Advice))
	}
	if !b.Last.IsZero() {
		p.Last = l.Ago(now.Sub(b.Last))
	}
	if b.Nightly != nil && !b.Nightly.Last.IsZero() {
		p.Night = l.Ago(now.Sub(b.Nightly.Last))
	}
	if p.Form.Version == "" {
		p.Form.Version = nightlyVersion(b)
	}
	if p.Form.Folder == "" {
		p.Form.Folder = b.Suggested
		if b.Nightly != nil {
			p.Form.Folder = b.Nightly.Folder
		}
	}
	if p.Form.Keep == "" {
		p.Form.Keep = "7"
		if b.Nightly != nil {
			p.Form.Keep = strconv.Itoa(b.Nightly.Keep)
		}
	}
	s.render(w, r, status, "backup.html", p)
}

func (s *Server) downloadBackup(w http.ResponseWriter, r *http.Request) {
	in := api.BackupWanted{Passphrase: r.PostFormValue("passphrase"), Recovery: r.PostFormValue("seal") == "recovery"}
	if !in.Recovery && in.Passphrase != r.PostFormValue("again") {
		s.drawBackup(w, r, http.StatusBadRequest, backupForm{PassphraseProblem: s.language(r).T("backup.different")})
		return
	}
	b, err := s.cfg.Backups.MakeBackup(in)
	if err == nil {
		err = api.SendBackup(w, r, b)
	}
	s.backupRefused(w, r, err, func(why string) backupForm { return backupForm{PassphraseProblem: why} })
}

func (s *Server) makeRecoveryCode(w http.ResponseWriter, r *http.Request) {
	code, err := s.cfg.Backups.NewRecoveryCode(r.Context(), r.PostFormValue("replace") == "yes")
	if err == nil {
		s.render(w, r, http.StatusOK, "recovery.html", recoveryPage{s.layout(r, s.language(r).T("backup.code")), code.Code})
		return
	}
	s.backupRefused(w, r, err, func(why string) backupForm { return backupForm{CodeProblem: why} })
}

func (s *Server) setNightly(w http.ResponseWriter, r *http.Request) {
	form := backupForm{Folder: strings.TrimSpace(r.PostFormValue("folder")), Keep: r.PostFormValue("keep"), Version: r.PostFormValue(versionField)}
	keep, err := strconv.Atoi(strings.TrimSpace(form.Keep))
	if err != nil {
		form.NightlyProblem = s.language(r).T("backup.keep_wrong")
		s.drawBackup(w, r, http.StatusBadRequest, form)
		return
	}
	now := s.cfg.Backups.Backup()
	if err := stillThat(r, nightlyVersion(now)); err != nil {
		l := s.language(r)
		form.Version, form.NightlyProblem = nightlyVersion(now), l.T("settings.conflict")
		if now.Nightly != nil {
			form.Now = changedTo([]typedField{{l.T("backup.folder"), form.Folder, now.Nightly.Folder}, {l.T("backup.keep"), form.Keep, strconv.Itoa(now.Nightly.Keep)}})
		}
		s.drawBackup(w, r, http.StatusPreconditionFailed, form)
		return
	}
	if err := s.cfg.Backups.SetNightlyBackup(r.Context(), api.NightlyWanted{Folder: form.Folder, Keep: keep}); err != nil {
		s.backupRefused(w, r, err, func(why string) backupForm { form.NightlyProblem = why; return form })
		return
	}
	http.Redirect(w, r, "/backup", http.StatusSeeOther)
}

func (s *Server) stopNightly(w http.ResponseWriter, r *http.Request) {
	if err := s.cfg.Backups.StopNightlyBackup(r.Context()); err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/backup", http.StatusSeeOther)
}

// backupRefused says what the keeper of the backups did not want to do, beside the
// field that it is about.
func (s *Server) backupRefused(w http.ResponseWriter, r *http.Request, err error, form func(why string) backupForm) {
	var failure *api.Failure
	switch {
	case err == nil:
	case errors.As(err, &failure):
		s.drawBackup(w, r, failure.Status, form(problem(s.language(r), failure)))
	default:
		s.broken(w, r, err)
	}
}
