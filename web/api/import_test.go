package api

import (
	"errors"
	"net/http"
	"testing"
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
