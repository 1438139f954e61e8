package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAServerIsImportedByItsFiles(t *testing.T) {
	w := newWorld(t, nil)
	for look, port := range map[bool]uint16{true: 1, false: 2} {
		done, err := w.client.Import(t.Context(), ImportWanted{Files: map[string][]byte{"wg0.conf": []byte("the file\n")}, DryRun: look})
		if err != nil || done.Kind != "the file\n" || done.Port != port {
			t.Errorf("look %v: %+v, %v", look, done, err)
		}
	}
	var problem *Problem
	if _, err := w.client.Import(t.Context(), ImportWanted{}); !errors.As(err, &problem) || problem.Status != http.StatusUnprocessableEntity || problem.Field != "files" {
		t.Errorf("without files: %v", err)
	}
}

func TestAnImportWaitsUntilTheOldServerLetsItsPortGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			busy   int32 // imports that find the port in use
			wanted ImportWanted
			took   time.Duration
			kind   string // empty: it fails
		}{
			"free":              {0, ImportWanted{Interface: "wg0"}, 0, "of wg0"},
			"nobody waits":      {1, ImportWanted{Interface: "wg0"}, 0, ""},
			"stopped in time":   {3, ImportWanted{Interface: "wg0", WaitSeconds: 5}, 3 * portAgain, "of wg0"},
			"stopped too late":  {1000, ImportWanted{Interface: "wg0", WaitSeconds: 2}, 2 * time.Second, ""},
			"looking waits not": {1000, ImportWanted{Interface: "wg0", WaitSeconds: 2, DryRun: true}, 0, "of wg0"},
		} {
			of := &importer{}
			of.busy.Store(tt.busy)
			began := time.Now()
			body, err := json.Marshal(tt.wanted)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), "POST", ImportPath, bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			handler{Config: Config{Importer: of}}.importServer(w, r)
			if took := time.Since(began); took.Round(portAgain) != tt.took {
				t.Errorf("%s: it took %v", name, took)
			}
			if tt.kind == "" && w.Code != http.StatusConflict || tt.kind != "" && !strings.Contains(w.Body.String(), tt.kind) {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
	})
}
