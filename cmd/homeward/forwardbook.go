package main

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"homeward/cmd/homeward/internal/hostnet"
	"homeward/upnp"
	"homeward/upnp/forwards"
	"homeward/upnp/risk"
	"homeward/web/api"
)

// forwardBook shows the rules for other ports to the API.
type forwardBook struct {
	book *forwards.Book
	// states is how the mapper's forwards stand; nil: the router is not asked.
	states func() []upnp.ForwardStatus
}

// forwardBook is the rules as the page and the command line see them.
func (a *appliance) forwardBook() forwardBook {
	b := forwardBook{book: a.forwards}
	if a.mapper != nil {
		b.states = a.mapper.Forwards
	}
	return b
}

// house is what rules for other ports are checked against.
func (a *appliance) house() forwards.House {
	h := forwards.House{LAN: a.networks.Load().lan, Router: a.router().Gateway.Addr, Port: a.port, AdminPort: a.settings.AdminPort}
	if host, err := hostnet.Read(a.settings.Interface); err == nil {
		for _, at := range host.Addresses {
			h.Self = append(h.Self, at.Prefix.Addr())
		}
	}
	return h
}

// Forwards implements api.Forwards.
func (b forwardBook) Forwards() []api.Forward {
	var states []upnp.ForwardStatus
	if b.states != nil {
		states = b.states()
	}
	var list []api.Forward
	for _, r := range b.book.Rules() {
		list = append(list, b.show(r, states))
	}
	return list
}

func (b forwardBook) show(r forwards.Rule, states []upnp.ForwardStatus) api.Forward {
	f := api.Forward{
		ID: r.ID, Name: r.Name, Protocol: r.Protocol, External: r.External, Last: r.External + r.Count - 1,
		Machine: r.To.Addr().String(), Internal: r.To.Port(), Enabled: r.Enabled, Created: r.Created, State: "off",
	}
	i := slices.IndexFunc(states, func(s upnp.ForwardStatus) bool { return s.ID == r.ID })
	switch {
	case !r.Enabled:
	case b.states == nil:
		f.State, f.Problem = upnp.ForwardWaiting.String(), "The router is not asked for anything: map_port is off."
	case i < 0:
		f.State = upnp.ForwardWaiting.String()
	default:
		f.State, f.Problem, f.ByHand = states[i].State.String(), states[i].Problem, states[i].Foreign
		if at := states[i].VerifiedAt; !at.IsZero() {
			f.Verified = &at
		}
	}
	findings := judgeRule(r)
	f.Risk = findings[0].Level.String()
	for _, x := range findings {
		f.Findings = append(f.Findings, api.Finding{Level: x.Level.String(), Reason: x.Reason, Advice: x.Advice})
	}
	return f
}

// judgeRule says what a rule means: the worst that its ports mean.
func judgeRule(r forwards.Rule) []risk.Finding {
	var entries []upnp.Entry
	for i := range r.Count {
		entries = append(entries, upnp.Entry{Protocol: r.Protocol, External: r.External + i,
			Internal: netip.AddrPortFrom(r.To.Addr(), r.To.Port()+i), Enabled: true, Lease: time.Hour})
	}
	judged := risk.Judge(entries, risk.House{})
	return slices.MaxFunc(judged, func(a, b []risk.Finding) int { return int(a[0].Level) - int(b[0].Level) })
}

// OpenForward implements api.Forwards.
func (b forwardBook) OpenForward(ctx context.Context, n api.NewForward) (api.Forward, error) {
	r := forwards.Rule{Name: n.Name, Protocol: n.Protocol, External: n.External, Count: 1, Enabled: !n.Off}
	if n.Last != 0 {
		r.Count = 0
		if n.Last >= n.External {
			r.Count = n.Last - n.External + 1 // of 1 to 65535 it is zero, and refused like any that is too wide
		}
	}
	if n.Internal == 0 {
		n.Internal = n.External
	}
	machine, _ := netip.ParseAddr(n.Machine) // what is none is refused as no IPv4 address
	r.To = netip.AddrPortFrom(machine, n.Internal)
	r, err := b.book.Add(ctx, r)
	if err != nil {
		return api.Forward{}, ruleFailure(err)
	}
	return b.show(r, nil), nil
}

// SwitchForward implements api.Forwards.
func (b forwardBook) SwitchForward(ctx context.Context, id int64, on bool) (api.Forward, error) {
	r, err := b.book.SetEnabled(ctx, id, on)
	if err != nil {
		return api.Forward{}, ruleFailure(err)
	}
	return b.show(r, nil), nil
}

// RemoveForward implements api.Forwards.
func (b forwardBook) RemoveForward(ctx context.Context, id int64) error {
	return ruleFailure(b.book.Remove(ctx, id))
}

// ruleFailure gives an error of the rules' a status.
func ruleFailure(err error) error {
	var field *forwards.FieldError
	switch {
	case errors.As(err, &field):
		return &api.Failure{Status: http.StatusBadRequest, Field: field.Field, Err: err}
	case errors.Is(err, forwards.ErrNotFound):
		return &api.Failure{Status: http.StatusNotFound, Err: err}
	case errors.Is(err, forwards.ErrFull):
		return &api.Failure{Status: http.StatusConflict, Err: err}
	}
	return err
}
