package api

import (
	"context"
	"io"
	"mime"
	"net/http"
	"time"
)

// BackupState is what there is of backups.
type BackupState struct {
	RecoveryCode bool           `json:"recovery_code"` // one was made
	Last         time.Time      `json:"last,omitzero"` // when the last backup of any kind was made
	Nightly      *NightlyBackup `json:"nightly,omitempty"`
	// Problem is why the nightly one fails, and Advice what to do.
	Problem string `json:"problem,omitempty"`
	Advice  string `json:"advice,omitempty"`
	// Suggested is a folder that homeward may always write to.
	Suggested string `json:"suggested_folder"`
}

// NightlyBackup is a folder to which a backup is written every night.
type NightlyBackup struct {
	Folder string    `json:"folder"`
	Keep   int       `json:"keep"`
	Last   time.Time `json:"last,omitzero"`
	Next   time.Time `json:"next,omitzero"`
}

// BackupWanted says what a backup is sealed with: a passphrase, or the recovery code.
type BackupWanted struct {
	Passphrase string `json:"passphrase,omitempty"`
	Recovery   bool   `json:"recovery,omitempty"`
}

// SealedBackup is a backup that is about to be written.
type SealedBackup struct {
	Name  string // of the file
	Write func(context.Context, io.Writer) error
}

// RecoveryWanted asks for a recovery code. Replace allows that one which there is
// already opens no later backup.
type RecoveryWanted struct {
	Replace bool `json:"replace"`
}

// RecoveryCode opens the backups that are made from now on. It is shown once.
type RecoveryCode struct {
	Code string `json:"code"`
}

// NightlyWanted chooses the folder and how many backups stay; zero means seven.
type NightlyWanted struct {
	Folder string `json:"folder"`
	Keep   int    `json:"keep,omitempty"`
}

// Backups makes backups. Failures that are the caller's are *Failure.
type Backups interface {
	Backup() BackupState
	MakeBackup(BackupWanted) (SealedBackup, error)
	NewRecoveryCode(ctx context.Context, replace bool) (RecoveryCode, error)
	SetNightlyBackup(context.Context, NightlyWanted) error
	StopNightlyBackup(context.Context) error
}

// Restored is what a backup holds, and what became of the state of before.
type Restored struct {
	Made     time.Time `json:"made"`
	Homeward string    `json:"homeward"` // the version that made it
	Devices  int       `json:"devices"`
	House    string    `json:"house,omitempty"`    // what the house is called
	Endpoint string    `json:"endpoint,omitempty"` // where most of the devices call, if it is known
	// PublicKey, Port and Networks are the server's, as in the codes of the devices.
	PublicKey string   `json:"public_key"`
	Port      uint16   `json:"port"`
	Networks  []string `json:"networks"`
	// Aside is where the state of before lies; empty when nothing was replaced.
	Aside string `json:"aside,omitempty"`
}

// Restorer puts a backup in the place of what there is.
type Restorer interface {
	// Restore verifies a sealed backup and, unless it is only to look, puts it in
	// place and has homeward start again.
	Restore(ctx context.Context, key string, sealed io.Reader, look bool) (Restored, error)
}

// backupTime bounds how long the sending of a backup takes, either way.
const backupTime = 15 * time.Minute

func (h handler) backup(w http.ResponseWriter, r *http.Request) {
	h.tagged(w, http.StatusOK, h.Backups.Backup())
}

func (h handler) makeBackup(w http.ResponseWriter, r *http.Request) {
	var in BackupWanted
	var b SealedBackup
	err := read(w, r, &in)
	if err == nil {
		b, err = h.Backups.MakeBackup(in)
	}
	if err == nil {
		err = SendBackup(w, r, b)
	}
	if err != nil {
		h.fail(w, err)
	}
}

// SendBackup sends a backup as a file. An error comes before anything was sent; after
// that the connection is cut, so that nobody takes a part for the whole.
func SendBackup(w http.ResponseWriter, r *http.Request, b SealedBackup) error {
	// Not every writer has deadlines; then none has to be moved.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(backupTime))
	out := &fileWriter{w: w, name: b.Name}
	err := b.Write(r.Context(), out)
	if err != nil && out.begun {
		panic(http.ErrAbortHandler) // which net/http expects
	}
	return err
}

// fileWriter sends the head of the answer with the first bytes.
type fileWriter struct {
	w     http.ResponseWriter
	name  string
	begun bool
}

func (f *fileWriter) Write(b []byte) (int, error) {
	if !f.begun {
		f.begun = true
		f.w.Header().Set("Content-Type", "application/octet-stream")
		f.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.name}))
		f.w.Header().Set("Cache-Control", "no-store")
		f.w.Header().Set("X-Content-Type-Options", "nosniff")
	}
	return f.w.Write(b)
}

func (h handler) newRecoveryCode(w http.ResponseWriter, r *http.Request) {
	var in RecoveryWanted
	var code RecoveryCode
	err := read(w, r, &in)
	if err == nil {
		code, err = h.Backups.NewRecoveryCode(r.Context(), in.Replace)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusCreated, code)
}

func (h handler) setNightlyBackup(w http.ResponseWriter, r *http.Request) {
	var in NightlyWanted
	err := read(w, r, &in)
	h.Turns.Backup.Lock()
	defer h.Turns.Backup.Unlock()
	if err == nil {
		err = matches(r, h.Backups.Backup().etag())
	}
	if err == nil {
		err = h.Backups.SetNightlyBackup(r.Context(), in)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.tagged(w, http.StatusOK, h.Backups.Backup())
}

func (h handler) stopNightlyBackup(w http.ResponseWriter, r *http.Request) {
	h.Turns.Backup.Lock()
	defer h.Turns.Backup.Unlock()
	err := matches(r, h.Backups.Backup().etag())
	if err == nil {
		err = h.Backups.StopNightlyBackup(r.Context())
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// RestorePath is where a body may be as large as a backup.
const RestorePath = "/api/v1/restore"

// restore takes a form with the parts key, look (optional, any value) and, last, file.
func (h handler) restore(w http.ResponseWriter, r *http.Request) {
	// Not every writer has deadlines; then none has to be moved.
	patience := http.NewResponseController(w)
	_ = patience.SetReadDeadline(time.Now().Add(backupTime))
	_ = patience.SetWriteDeadline(time.Now().Add(backupTime + time.Minute))
	f, err := ReadUpload(r, "file")
	var done Restored
	if err == nil {
		done, err = h.Restorer.Restore(r.Context(), f.Fields["key"], f.File, f.Fields["look"] != "")
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusOK, done.full())
}
