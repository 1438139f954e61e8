package main

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"homeward/cmd/homeward/internal/neighbours"
	"homeward/upnp"
	"homeward/upnp/byhand"
	"homeward/upnp/forwards"
	"homeward/upnp/risk"
	"homeward/web/api"
)

// portMapper is what the router's table needs of the port mapper.
type portMapper interface {
	Table(context.Context) (upnp.Table, error)
	Close(ctx context.Context, protocol string, external uint16) error
}

// routerTable shows the port mapper to the API.
type routerTable struct {
	mapper    portMapper // nil: the router is not asked
	status    func() upnp.Status
	guide     func(brand string) (api.Guide, error)
	adminPort uint16
	byHand    *byhand.Book
	rules     *forwards.Book // by which the owner keeps other ports open
	// look says who is who among machines of the LAN.
	look func(ctx context.Context, router netip.Addr, machines []netip.Addr) map[netip.Addr]neighbours.Neighbour
}

// routerTable is the router's table as the page and the command line see it.
func (a *appliance) routerTable() routerTable {
	t := routerTable{status: a.router, guide: a.guide, byHand: a.byHand, rules: a.forwards, adminPort: a.settings.AdminPort}
	if a.mapper != nil {
		t.mapper = a.mapper
	}
	t.look = func(ctx context.Context, router netip.Addr, machines []netip.Addr) map[netip.Addr]neighbours.Neighbour {
		return neighbours.Look(ctx, router, a.networks.Load().lan, machines)
	}
	return t
}

// errNotAsked is for everything about a router that homeward has nothing to do with.
var errNotAsked = &api.Failure{Status: http.StatusConflict, Err: errors.New("the router is not asked for anything: map_port is off")}

// Ports implements api.Router.
func (r routerTable) Ports(ctx context.Context) (api.PortTable, error) {
	if r.mapper == nil {
		return api.PortTable{}, errNotAsked
	}
	t, err := r.mapper.Table(ctx)
	if err != nil {
		return api.PortTable{}, routerFailure(err)
	}
	gw := r.status().Gateway
	var machines []netip.Addr
	for _, e := range t.Entries {
		if to := e.Internal.Addr(); to.IsValid() && to != gw.Self && to != gw.Addr {
			machines = append(machines, to)
		}
	}
	who := r.look(ctx, gw.Addr, machines)
	house := risk.House{Self: gw.Self, AdminPort: r.adminPort, Absent: make(map[netip.Addr]bool)}
	for at, n := range who {
		house.Absent[at] = n.Absent
	}
	out := api.PortTable{Router: t.Router.Name, Complete: t.Complete}
	for i, findings := range risk.Judge(t.Entries, house) {
		p := portOf(t.Entries[i], findings)
		switch to := t.Entries[i].Internal.Addr(); {
		case !to.IsValid():
		case to == gw.Self:
			p.Device = "this box"
		case to == gw.Addr:
			p.Device = "the router"
		default:
			p.Device, p.Absent = who[to].Name, who[to].Absent
		}
		out.Ports = append(out.Ports, p)
	}
	return out, nil
}

func portOf(e upnp.Entry, findings []risk.Finding) api.Port {
	to := strconv.Itoa(int(e.Internal.Port()))
	if e.Internal.Addr().IsValid() {
		to = e.Internal.String()
	}
	p := api.Port{
		Protocol: e.Protocol, External: e.External, Remote: e.Remote, Internal: to, Enabled: e.Enabled,
		Description: e.Description, Lease: int64(e.Lease / time.Second), Ours: e.Ours, Kept: e.Kept, Risk: findings[0].Level.String(),
	}
	for _, f := range findings {
		p.Findings = append(p.Findings, api.Finding{Level: f.Level.String(), Reason: f.Reason, Advice: f.Advice})
	}
	return p
}

// ClosePort implements api.Router.
func (r routerTable) ClosePort(ctx context.Context, protocol string, external uint16) error {
	if r.mapper == nil {
		return errNotAsked
	}
	err := r.mapper.Close(ctx, protocol, external)
	if errors.Is(err, upnp.ErrKeptEntry) {
		// It would be back at once: what closes it is to switch its rule off.
		if rule, ok := r.rules.On(protocol, external); ok {
			_, err = r.rules.SetEnabled(ctx, rule.ID, false)
		}
	}
	if err != nil {
		return routerFailure(err)
	}
	return nil
}

// routerFailure gives an error of the router's a status.
func routerFailure(err error) error {
	switch {
	case errors.Is(err, upnp.ErrNoEntry):
		return &api.Failure{Status: http.StatusNotFound, Err: err}
	case errors.Is(err, upnp.ErrOwnEntry), errors.Is(err, upnp.ErrKeptEntry), errors.Is(err, upnp.ErrTold), errors.Is(err, upnp.ErrNoTable), errors.Is(err, upnp.ErrNoGateway):
		return &api.Failure{Status: http.StatusConflict, Err: err}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &api.Failure{Status: http.StatusServiceUnavailable, Err: err}
	}
	return err
}
