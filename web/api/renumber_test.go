package api

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"homeward/peers"
)

// tunnelNet is a network that moves to another one, once.
type tunnelNet struct{ now string }

func (n *tunnelNet) Renumber(_ context.Context, in RenumberWanted) (Renumbered, error) {
	if in.Network == "bad" {
		return Renumbered{}, &peers.FieldError{Field: "network", Problem: "is bad"}
	}
	if in.Network == "" {
		in.Network = "10.77.3.0/24"
	}
	done := Renumbered{
		Clash: &Clash{Tunnel: "10.6.0.0/24", Taken: "10.6.0.0/16", Since: time.Unix(1, 0)}, From: []string{n.now}, To: []string{in.Network},
		Devices: []RenumberedDevice{{ID: 1, Name: "anna", From: []string{"10.6.0.2"}, To: []string{"10.77.3.2"}}},
	}
	if !in.DryRun {
		n.now = in.Network
	}
	return done, nil
}

func TestTheTunnelsNetworkIsLookedAtAndThenChanged(t *testing.T) {
	w := newWorld(t, home(t))
	for _, c := range []struct {
		in       RenumberWanted
		from, to string
	}{
		{RenumberWanted{DryRun: true}, "10.6.0.0/24", "10.77.3.0/24"},
		{RenumberWanted{Network: "10.88.1.0/24"}, "10.6.0.0/24", "10.88.1.0/24"},
		{RenumberWanted{DryRun: true}, "10.88.1.0/24", "10.77.3.0/24"},
	} {
		done, err := w.client.Renumber(t.Context(), c.in)
		if err != nil || done.From[0] != c.from || done.To[0] != c.to || done.Clash == nil || done.Devices[0].To[0] != "10.77.3.2" {
			t.Errorf("%+v: %+v, %v", c.in, done, err)
		}
	}
	var looked Renumbered
	if err := w.client.call(t.Context(), "GET", "/api/v1/renumber", nil, &looked); err != nil || looked.From[0] != "10.88.1.0/24" || looked.To[0] != "10.77.3.0/24" {
		t.Errorf("looked at: %+v, %v", looked, err)
	}
	var p *Problem
	if _, err := w.client.Renumber(t.Context(), RenumberWanted{Network: "bad"}); !errors.As(err, &p) || p.Status != http.StatusBadRequest || p.Field != "network" {
		t.Errorf("a bad one: %v", err)
	}
	if err := w.client.call(t.Context(), "POST", "/api/v1/renumber", map[string]string{"netwrok": "10.88.1.0/24"}, nil); !errors.As(err, &p) || p.Status != http.StatusBadRequest {
		t.Errorf("a mistyped member: %v", err)
	}
}
