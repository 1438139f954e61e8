package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// noForwards has one rule, number 1, that can be changed.
type noForwards struct{ on bool }

func (f *noForwards) Forwards() []Forward {
	return []Forward{{ID: 1, Name: "Web", State: "open", Enabled: f.on}}
}

func (*noForwards) OpenForward(_ context.Context, n NewForward) (Forward, error) {
	if n.Machine == "" {
		return Forward{}, &Failure{Status: http.StatusBadRequest, Field: "machine", Err: errors.New("machine is missing")}
	}
	return Forward{ID: 2, Name: n.Name, External: n.External, Enabled: !n.Off}, nil
}

func (f *noForwards) SwitchForward(_ context.Context, id int64, on bool) (Forward, error) {
	if id != 1 {
		return Forward{}, &Failure{Status: http.StatusNotFound, Err: errors.New("there is no such rule")}
	}
	f.on = on
	return Forward{ID: 1, Enabled: on}, nil
}

func (*noForwards) RemoveForward(_ context.Context, id int64) error {
	if id != 1 {
		return &Failure{Status: http.StatusNotFound, Err: errors.New("there is no such rule")}
	}
	return nil
}

func TestForwardsAreListedMadeSwitchedAndRemoved(t *testing.T) {
	w := newWorld(t, home(t))
	if list, err := w.client.Forwards(t.Context()); err != nil || len(list) != 1 || list[0].Name != "Web" {
		t.Errorf("%+v, %v", list, err)
	}
	if f, err := w.client.OpenForward(t.Context(), NewForward{Name: "x", Machine: "192.168.1.2", External: 5}); err != nil || f.ID != 2 || f.External != 5 || !f.Enabled {
		t.Errorf("%+v, %v", f, err)
	}
	var p *Problem
	if _, err := w.client.OpenForward(t.Context(), NewForward{}); !errors.As(err, &p) || p.Status != 400 || p.Field != "machine" {
		t.Errorf("%v", err)
	}
	for _, on := range []bool{true, false} {
		if f, err := w.client.SwitchForward(t.Context(), 1, on); err != nil || f.Enabled != on {
			t.Errorf("%+v, %v", f, err)
		}
	}
	if _, err := w.client.SwitchForward(t.Context(), 7, true); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("%v", err)
	}
	if err := w.client.RemoveForward(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if err := w.client.RemoveForward(t.Context(), 7); !errors.As(err, &p) || p.Status != 404 {
		t.Errorf("%v", err)
	}
	for _, body := range []string{`{}`, `{"enabled":"x"}`, `[]`} {
		req, err := http.NewRequestWithContext(t.Context(), "PATCH", w.url+"/api/v1/forwards/1", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 400 {
			t.Errorf("%s: %d", body, resp.StatusCode)
		}
	}
}
