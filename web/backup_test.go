package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"homeward/web/api"
)

// fakeBackups seals nothing.
type fakeBackups struct {
	code    string
	nightly *api.NightlyBackup
	breaks  bool // in the middle
}

func (f *fakeBackups) Backup() api.BackupState {
	return api.BackupState{RecoveryCode: f.code != "", Nightly: f.nightly, Suggested: "/state/backups"}
}

func (f *fakeBackups) MakeBackup(in api.BackupWanted) (api.SealedBackup, error) {
	if !in.Recovery && len(in.Passphrase) < 12 {
		return api.SealedBackup{}, &api.Failure{Status: http.StatusBadRequest, Field: "passphrase", Err: errors.New("the passphrase is too short")}
	}
	return api.SealedBackup{Name: "home.backup", Write: func(_ context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, strings.Repeat("sealed with "+in.Passphrase[:4], 10_000)); err != nil || !f.breaks {
			return err
		}
		return errors.New("the disk broke")
	}}, nil
}

func (f *fakeBackups) NewRecoveryCode(_ context.Context, replace bool) (api.RecoveryCode, error) {
	if f.code != "" && !replace {
		return api.RecoveryCode{}, &api.Failure{Status: http.StatusConflict, Err: errors.New("there is a recovery code already")}
	}
	f.code = "AGE-SECRET-KEY-1X"
	return api.RecoveryCode{Code: f.code}, nil
}

func (f *fakeBackups) SetNightlyBackup(_ context.Context, in api.NightlyWanted) error {
	if in.Folder == "" {
		return &api.Failure{Status: http.StatusBadRequest, Field: "folder", Err: errors.New("the folder is missing")}
	}
	f.nightly = &api.NightlyBackup{Folder: in.Folder, Keep: in.Keep}
	return nil
}

func (f *fakeBackups) StopNightlyBackup(context.Context) error {
	f.nightly = nil
	return nil
}

func TestTheAPIMakesABackup(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	send := func(method, path, body string) reply {
		return w.send(c, method, "/api/v1/backup"+path, "application/json", body, nil)
	}
	r := send("POST", "", `{"passphrase":"long and secret"}`)
	w.wantStatus("a backup", r, 200)
	if len(r.body) != 160_000 || r.header.Get("Content-Disposition") != "attachment; filename=home.backup" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d bytes, %v", len(r.body), r.header)
	}
	r = send("POST", "", `{"passphrase":"short"}`)
	w.wantStatus("a weak passphrase", r, 400)
	if !strings.Contains(r.body, `"field":"passphrase"`) || r.header.Get("Content-Disposition") != "" {
		t.Errorf("%s", r.body)
	}
	w.wantStatus("a code", send("POST", "/recovery-code", `{"replace":false}`), 201)
	w.wantStatus("another", send("POST", "/recovery-code", `{"replace":false}`), 409)
	w.wantStatus("another instead", send("POST", "/recovery-code", `{"replace":true}`), 201)
	w.wantStatus("no folder", send("PUT", "/nightly", `{"folder":""}`), 400)
	if r := send("PUT", "/nightly", `{"folder":"/x","keep":3}`); r.status != 200 || !strings.Contains(r.body, `"keep":3`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.wantStatus("off", send("DELETE", "/nightly", ""), 204)
	if r := send("GET", "", ""); r.status != 200 || strings.Contains(r.body, "nightly") || strings.Contains(r.body, "SECRET") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestAPartOfABackupIsNeverTheWhole(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	w.backups.breaks = true
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/api/v1/backup", strings.NewReader(`{"passphrase":"long and secret"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", w.url)
	resp, err := c.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("a backup that broke off looks like a whole one")
	}
}

func TestTheBackupPageMakesDownloadsAndCodes(t *testing.T) {
	w := newWorld(t)
	c := w.owner()
	if r := w.get(c, "/backup"); r.status != 200 || !strings.Contains(r.body, "Make the recovery code first") || !strings.Contains(r.body, "None was made yet") {
		t.Errorf("%d %s", r.status, r.body)
	}
	for name, bad := range map[string]struct {
		form url.Values
		says string
	}{
		"different": {url.Values{"passphrase": {"long and secret"}, "again": {"long and secrets"}}, "not the same"},
		"weak":      {url.Values{"passphrase": {"short"}, "again": {"short"}}, "too short"},
	} {
		r := w.post(c, "/backup/download", bad.form)
		w.wantStatus(name, r, 400)
		if !strings.Contains(r.body, bad.says) || strings.Contains(r.body, bad.form.Get("passphrase")+`"`) || r.header.Get("Content-Disposition") != "" {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	r := w.post(c, "/backup/download", url.Values{"passphrase": {"long and secret"}, "again": {"long and secret"}})
	if r.status != 200 || len(r.body) != 160_000 || r.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%d, %v", r.status, r.header)
	}
	r = w.post(c, "/backup/recovery-code", nil)
	if r.status != 200 || !strings.Contains(r.body, "AGE-SECRET-KEY-1X") || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.get(c, "/backup"); strings.Contains(r.body, "SECRET") {
		t.Error("the code is shown again")
	}
	w.wantStatus("another by accident", w.post(c, "/backup/recovery-code", nil), 409)
	w.wantStatus("another", w.post(c, "/backup/recovery-code", url.Values{"replace": {"yes"}}), 200)
	if r := w.post(c, "/backup/nightly", url.Values{"folder": {"/mnt/<b>usb"}, "keep": {"many"}}); r.status != 400 || !strings.Contains(r.body, "must be a number") || !strings.Contains(r.body, "/mnt/&lt;b&gt;usb") {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.wantStatus("nightly", w.post(c, "/backup/nightly", url.Values{"folder": {"/mnt/usb"}, "keep": {"3"}}), 303)
	if r := w.get(c, "/backup"); !strings.Contains(r.body, "<code>/mnt/usb</code>") || !strings.Contains(r.body, `value="3"`) {
		t.Errorf("%s", r.body)
	}
	w.wantStatus("off", w.post(c, "/backup/nightly/off", nil), 303)
	if w.backups.nightly != nil {
		t.Error("it goes on")
	}
}
