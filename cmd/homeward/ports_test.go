package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/cmd/homeward/internal/neighbours"
	"homeward/upnp"
	"homeward/web/api"
)

// tableOf is a port mapper with a table.
type tableOf struct {
	entries []upnp.Entry
	err     error
}

func atHome() upnp.Status {
	return upnp.Status{Verdict: upnp.Mapped, Port: 51820, Gateway: upnp.Gateway{Addr: netip.MustParseAddr("192.168.1.1"), Self: netip.MustParseAddr("192.168.1.5")}}
}
func (m tableOf) Table(context.Context) (upnp.Table, error) {
	return upnp.Table{Router: upnp.Router{Name: "Box"}, Entries: m.entries, Complete: true}, m.err
}
func (m tableOf) Close(context.Context, string, uint16) error { return m.err }

func opened(protocol string, external uint16, to, what string) upnp.Entry {
	return upnp.Entry{Protocol: protocol, External: external, Internal: netip.MustParseAddrPort(to), Enabled: true, Lease: time.Hour, Description: what}
}

func TestTheAuditSaysWhoseEachPortIsAndWhatItMeans(t *testing.T) {
	ours := opened("UDP", 51820, "192.168.1.5:51820", "homeward-1")
	ours.Ours = true
	var asked []netip.Addr
	r := routerTable{
		mapper: tableOf{entries: []upnp.Entry{
			opened("UDP", 3074, "192.168.1.30:3074", "game"), ours, opened("TCP", 3389, "192.168.1.23:3389", "Gaming\x1b[31m PC"),
			opened("TCP", 443, "192.168.1.5:8377", ""), opened("UDP", 1900, "192.168.1.1:1900", ""), opened("TCP", 41999, "192.168.1.99:41999", ""),
		}},
		status:    atHome,
		adminPort: 8377,
		look: func(_ context.Context, router netip.Addr, machines []netip.Addr) map[netip.Addr]neighbours.Neighbour {
			asked = machines
			return map[netip.Addr]neighbours.Neighbour{
				netip.MustParseAddr("192.168.1.23"): {Name: "gaming-pc"}, netip.MustParseAddr("192.168.1.99"): {Absent: true},
			}
		},
	}
	table, err := r.Ports(t.Context())
	if err != nil || len(table.Ports) != 6 {
		t.Fatalf("%+v, %v", table, err)
	}
	for i, want := range []struct{ device, risk string }{
		{"", "fine"}, {"this box", "fine"}, {"gaming-pc", "danger"}, {"this box", "danger"}, {"the router", "danger"}, {"", "caution"},
	} {
		if p := table.Ports[i]; p.Device != want.device || p.Risk != want.risk || len(p.Findings) == 0 {
			t.Errorf("%+v, want %+v", p, want)
		}
	}
	if len(asked) != 3 {
		t.Errorf("looked for %v, want the three machines that are neither this box nor the router", asked)
	}
	var out strings.Builder
	if err := printAudit(&out, table); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, part := range []string{
		"Box lets 6 ports into the house: 3 dangerous, 1 to look at, 2 fine.", "danger   TCP 3389 → 192.168.1.23:3389 (gaming-pc) “Gaming[31m PC”",
		"homeward's own page is open", "homeward ports close tcp 3389", "Nobody answers at 192.168.1.99", unseen,
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
	if strings.Contains(text, "“homeward-1”") {
		t.Errorf("our own entry's description is told, which may prove whose it is:\n%s", text)
	}
	if strings.Contains(text, "ports close udp 51820") || strings.Index(text, "TCP 3389") > strings.Index(text, "UDP 3074") {
		t.Errorf("our own is offered to be closed, or the worst is not the first:\n%s", text)
	}
}

func TestWithoutATableTheReasonIsTold(t *testing.T) {
	var f *api.Failure
	if _, err := (routerTable{}).Ports(t.Context()); !errors.As(err, &f) || f.Status != 409 || !strings.Contains(err.Error(), "map_port") {
		t.Errorf("without a mapper: %v", err)
	}
	if err := (routerTable{}).ClosePort(t.Context(), "TCP", 1); !errors.As(err, &f) || f.Status != 409 {
		t.Errorf("closing without a mapper: %v", err)
	}
	for failure, status := range map[error]int{upnp.ErrNoTable: 409, upnp.ErrNoEntry: 404, context.DeadlineExceeded: 503} {
		r := routerTable{mapper: tableOf{err: failure}, status: atHome}
		if _, err := r.Ports(t.Context()); !errors.As(err, &f) || f.Status != status {
			t.Errorf("%v: %v", failure, err)
		}
		if err := r.ClosePort(t.Context(), "TCP", 1); !errors.As(err, &f) || f.Status != status {
			t.Errorf("closing, %v: %v", failure, err)
		}
	}
	var out strings.Builder
	if err := printAudit(&out, api.PortTable{}); err != nil || !strings.Contains(out.String(), "has opened no port") || !strings.Contains(out.String(), incompleteTable) {
		t.Errorf("an empty table: %q, %v", out.String(), err)
	}
}
