package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"homeward/web/api"
)

// fakeRestorer takes files that begin with "good", by the key "key".
type fakeRestorer struct {
	took    int
	refuses string // whatever comes
}

func (f *fakeRestorer) Restore(_ context.Context, key string, sealed io.Reader, _ bool) (api.Restored, error) {
	if f.refuses != "" {
		return api.Restored{}, &api.Failure{Status: http.StatusBadRequest, Field: "key", Err: errors.New(f.refuses)}
	}
	start := make([]byte, 4)
	if _, err := io.ReadFull(sealed, start); err != nil || string(start) != "good" {
		return api.Restored{}, &api.Failure{Status: http.StatusBadRequest, Field: "file", Err: errors.New("this is not a backup")}
	}
	if key != "key" {
		return api.Restored{}, &api.Failure{Status: http.StatusBadRequest, Field: "key", Err: errors.New("this is not the passphrase")}
	}
	n, err := io.Copy(io.Discard, sealed)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return api.Restored{}, &api.Failure{Status: http.StatusRequestEntityTooLarge, Field: "file", Err: errors.New("the file is too large")}
	}
	f.took += int(n)
	return api.Restored{Devices: 3}, err
}

// upload sends a backup as a browser does.
func (w *world) upload(c *http.Client, token, key, file string) reply {
	w.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part, err := m.CreateFormField("token")
	if err == nil {
		_, err = io.WriteString(part, token)
	}
	err = errors.Join(err, m.WriteField("key", key))
	if part, err2 := m.CreateFormFile("file", "home.backup"); err == nil && err2 == nil {
		_, err = io.WriteString(part, file)
	}
	if err = errors.Join(err, m.Close()); err != nil {
		w.t.Fatal(err)
	}
	return w.send(c, "POST", "/setup/restore", m.FormDataContentType(), b.String(), nil)
}

func TestABackupIsRestoredByTheSetupLinkOnly(t *testing.T) {
	w := newWorld(t)
	token, err := w.account.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := "good" + strings.Repeat("x", 500<<10)
	if r := w.get(w.stranger, "/setup?token="+token); !strings.Contains(r.body, `action="/setup/restore"`) {
		t.Error("the setup page does not ask for a backup")
	}
	w.wantStatus("a wrong link", w.upload(w.stranger, "AAAA", "key", file), 410)
	w.wantStatus("no link", w.upload(w.stranger, "", "key", file), 410)
	w.wantStatus("no form", w.post(w.stranger, "/setup/restore", url.Values{"token": {token}}), 400)
	for name, c := range map[string]struct {
		key, file, says string
		status          int
	}{
		"another file": {"key", "zip" + file, "file-problem", 400},
		"wrong key":    {"x", file, "key-problem", 400},
		"too large":    {"key", "good" + strings.Repeat("x", 2<<20), "too large", 413},
	} {
		r := w.upload(w.stranger, token, c.key, c.file)
		w.wantStatus(name, r, c.status)
		if !strings.Contains(r.body, c.says) || !strings.Contains(r.body, token) {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	if w.restorer.took != 0 {
		t.Error("something was restored")
	}
	r := w.upload(w.stranger, token, "key", file)
	if r.status != 200 || !strings.Contains(r.body, "3 devices") || w.restorer.took != 500<<10 {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.owner() // claims it
	if r := w.upload(w.stranger, token, "key", file); r.status != 410 || w.restorer.took != 500<<10 {
		t.Errorf("a claimed page took a backup: %d", r.status)
	}
}

func TestWhatIsWrongWithABackupIsSaidInTheReadersLanguage(t *testing.T) {
	w := newWorld(t)
	token, err := w.account.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.restorer.refuses = "this is not the passphrase of this backup"
	w.stranger.Transport = inGerman{w.stranger.Transport}
	r := w.upload(w.stranger, token, "key", "good")
	if !strings.Contains(r.body, "Das ist nicht die Passphrase dieser Sicherung.") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// inGerman asks for German pages.
type inGerman struct{ http.RoundTripper }

func (g inGerman) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Accept-Language", "de")
	return g.RoundTripper.RoundTrip(r)
}
