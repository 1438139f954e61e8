package api

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"homeward/peers"
)

// oneHouse has an endpoint, which is not "bad".
type oneHouse struct{ endpoint string }

func (h *oneHouse) Settings() Settings {
	return Settings{Endpoint: h.endpoint, File: []FileSetting{{Key: "endpoint"}}}
}

func (h *oneHouse) ChangeSettings(_ context.Context, c SettingsChange) error {
	if c.Endpoint == nil {
		return nil
	}
	if *c.Endpoint == "bad" {
		return &peers.FieldError{Field: "endpoint", Problem: "is bad"}
	}
	h.endpoint = *c.Endpoint
	return nil
}

func TestSettingsAreReadAndChanged(t *testing.T) {
	w := newWorld(t, home(t))
	at := "home.example.org"
	if s, err := w.client.ChangeSettings(t.Context(), SettingsChange{Endpoint: &at}); err != nil || s.Endpoint != at {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := w.client.Settings(t.Context()); err != nil || s.Endpoint != at || s.Fixed() {
		t.Errorf("%+v, %v", s, err)
	}
	bad := "bad"
	for want, change := range map[string]SettingsChange{"endpoint": {Endpoint: &bad}, "": {}} {
		var p *Problem
		if _, err := w.client.ChangeSettings(t.Context(), change); !errors.As(err, &p) || p.Status != http.StatusBadRequest || p.Field != want {
			t.Errorf("%+v: %v", change, err)
		}
	}
	if s, _ := w.client.Settings(t.Context()); s.Endpoint != at {
		t.Errorf("a refused change counts: %+v", s)
	}
	if s := (Settings{File: []FileSetting{{Key: "port", Value: "1"}, {Key: "endpoint", Value: "x"}}}); !s.Fixed() {
		t.Error("the file does not decide")
	}
}
