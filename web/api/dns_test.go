package api

import (
	"context"
	"errors"
	"net/http"
	"testing"
)

// nameKeeper keeps any name that is not empty, and tells no secret.
type nameKeeper struct{ last NewDNSName }

func (n *nameKeeper) DNSName() DNSName {
	return DNSName{Chosen: n.last.Name != "", Provider: n.last.Provider, Name: n.last.Name, User: n.last.User}
}

func (n *nameKeeper) SetDNSName(_ context.Context, in NewDNSName) error {
	if in.Name == "" {
		return &Failure{Status: http.StatusBadRequest, Field: "name", Err: errors.New("the name is missing")}
	}
	n.last = in
	return nil
}

func (n *nameKeeper) RemoveDNSName(context.Context) error { *n = nameKeeper{}; return nil }

func TestTheDNSNameIsChosenAndRemoved(t *testing.T) {
	w := newWorld(t, home(t))
	if n, err := w.client.DNSName(t.Context()); err != nil || n.Chosen {
		t.Errorf("%+v, %v", n, err)
	}
	in := NewDNSName{Provider: "noip", Name: "home.example.org", User: "anna", Secret: "token"}
	if n, err := w.client.SetDNSName(t.Context(), in); err != nil || !n.Chosen || n.Name != in.Name || n.User != in.User {
		t.Errorf("%+v, %v", n, err)
	}
	var p *Problem
	if _, err := w.client.SetDNSName(t.Context(), NewDNSName{Provider: "noip"}); !errors.As(err, &p) || p.Status != 400 || p.Field != "name" {
		t.Errorf("no name: %+v", err)
	}
	if err := w.client.RemoveDNSName(t.Context()); err != nil {
		t.Error(err)
	}
	if n, err := w.client.DNSName(t.Context()); err != nil || n.Chosen {
		t.Errorf("after its removal: %+v, %v", n, err)
	}
}
