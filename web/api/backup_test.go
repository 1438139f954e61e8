package api

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"homeward/web/account"
)

func TestARestoreGoesThroughTheSocketWhole(t *testing.T) {
	w := newWorld(t, nil)
	file := strings.Repeat("sealed", 100_000) // more than any other body may have
	for look, aside := range map[bool]string{true: "", false: "aside"} {
		done, err := w.client.Restore(t.Context(), "a key: & \"Ä\"\n", strings.NewReader(file), look)
		if err != nil || done.Devices != len(file) || done.Homeward != "a key: & \"Ä\"\n" || done.Aside != aside {
			t.Errorf("%+v, %v", done, err)
		}
	}
	for _, r := range Routes(Config{}) {
		if strings.Contains(r.Pattern, "restore") && r.Needs != account.ScopeAdmin {
			t.Errorf("%s needs only %s", r.Pattern, r.Needs)
		}
	}
}

func TestAnUploadIsJudgedBeforeItsFile(t *testing.T) {
	form := func(fill func(*multipart.Writer)) *http.Request {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		fill(m)
		m.Close()
		r := httptest.NewRequest("POST", "/", &b)
		r.Header.Set("Content-Type", m.FormDataContentType())
		return r
	}
	for name, c := range map[string]struct {
		request *http.Request
		status  int
	}{
		"no form":  {httptest.NewRequest("POST", "/", strings.NewReader("x")), 415},
		"no file":  {form(func(m *multipart.Writer) { m.WriteField("key", "x") }), 400},
		"too long": {form(func(m *multipart.Writer) { m.WriteField("key", strings.Repeat("x", maxField+1)) }), 400},
		"too many": {form(func(m *multipart.Writer) {
			for range maxFields {
				m.WriteField("key", "x")
			}
			m.CreateFormFile("file", "x")
		}), 400},
	} {
		_, err := ReadUpload(c.request, "file")
		var bad *requestError
		if !errors.As(err, &bad) || bad.status != c.status {
			t.Errorf("%s: %v", name, err)
		}
	}
	u, err := ReadUpload(form(func(m *multipart.Writer) {
		m.WriteField("key", "x")
		m.CreateFormFile("file", "../../x")
	}), "file")
	if err != nil || u.Fields["key"] != "x" {
		t.Errorf("%+v, %v", u, err)
	}
}
