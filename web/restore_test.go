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
	"time"

	"homeward/web/api"
)

// fakeRestorer takes files that begin with "good", by the key "key".
type fakeRestorer struct {
	took    int
	held    int    // bytes that wait
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
	return inBackup, err
}

// inBackup is what is in each good one.
var inBackup = api.Restored{Made: time.Unix(1_800_000_000, 0), Homeward: "1.2.3", Devices: 3, House: "<b>Grandma's", Endpoint: "home.example.org:443", PublicKey: "the key", Port: 51999, Networks: []string{"10.7.0.0/24", "fd00:7::/64"}}

func (f *fakeRestorer) Hold(ctx context.Context, key string, sealed io.Reader) (api.Restored, string, error) {
	took := f.took
	found, err := f.Restore(ctx, key, sealed, true)
	f.held, f.took = f.took-took, took
	return found, "held-here", err
}

func (f *fakeRestorer) Take(_ context.Context, id string) (api.Restored, error) {
	if id != "held-here" || f.held == 0 {
		return api.Restored{}, &api.Failure{Status: http.StatusGone, Field: "file", Err: errors.New("this backup does not wait here any more: choose it once more")}
	}
	f.took, f.held = f.took+f.held, 0
	return inBackup, nil
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
	r := w.upload(w.stranger, token, "key", file)
	for _, part := range []string{"Nothing is changed yet", "homeward 1.2.3", "January 2027", "&lt;b&gt;Grandma&#39;s", "<dd>3</dd>", "<code>home.example.org:443</code>", "<code>the key</code>", "<code>51999</code>", "<code>fd00:7::/64</code>", `action="/setup/restore/take"`, `name="next" value="/setup?token=` + token + `"`} {
		if r.status != 200 || !strings.Contains(r.body, part) {
			t.Errorf("what is in the backup lacks %q: %d %s", part, r.status, r.body)
		}
	}
	if w.restorer.took != 0 {
		t.Error("something was restored before anybody had seen it")
	}
	take := func(token, id string) reply {
		return w.post(w.stranger, "/setup/restore/take", url.Values{"token": {token}, "id": {id}})
	}
	w.wantStatus("taking without the link", take("AAAA", "held-here"), 410)
	if r := take(token, "another"); r.status != 410 || !strings.Contains(r.body, "does not wait here any more: choose it once more") || !strings.Contains(r.body, token) {
		t.Errorf("taking another one: %d %s", r.status, r.body)
	}
	if w.restorer.took != 0 {
		t.Error("something was restored that nobody had confirmed")
	}
	if r := take(token, "held-here"); r.status != 200 || !strings.Contains(r.body, "3 devices") || w.restorer.took != 500<<10 {
		t.Errorf("%d %s", r.status, r.body)
	}
	w.owner() // claims it
	w.restorer.held = 1
	for what, r := range map[string]reply{"a backup": w.upload(w.stranger, token, "key", file), "a confirmation": take(token, "held-here")} {
		if r.status != 410 || w.restorer.took != 500<<10 {
			t.Errorf("a claimed page took %s: %d", what, r.status)
		}
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
