package api

import (
	"net/http"
	"testing"
)

func TestWhatIsNotThereIsAProblemDocument(t *testing.T) {
	w := newWorld(t, nil)
	for _, tt := range []struct {
		method, path, allow string
		status              int
	}{
		{"GET", "/api/v1/nowhere", "", http.StatusNotFound},
		{"GET", "/", "", http.StatusNotFound},
		{"BREW", "/api/v1/nowhere", "", http.StatusNotFound},
		{"PUT", "/api/v1/peers/1", "GET, HEAD, PATCH, DELETE", http.StatusMethodNotAllowed},
		{"BREW", "/api/v1/restore", "POST", http.StatusMethodNotAllowed},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, w.url+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.status || resp.Header.Get("Allow") != tt.allow || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d, Allow %q, %s", tt.method, tt.path, resp.StatusCode, resp.Header.Get("Allow"), resp.Header.Get("Content-Type"))
		}
	}
}
