package upnp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

func TestTheRoutersTableIsTold(t *testing.T) {
	r := routertest.New(t, routertest.Options{Manufacturer: "ACME", Model: "Box"})
	r.Put(routertest.Entry{External: 3389, Internal: 3389, Protocol: "TCP", Client: "192.168.1.23", Description: "Gaming\x1b[31m PC"})
	r.Put(routertest.Entry{External: 22, Internal: 2222, Protocol: "TCP", Client: "nonsense", Disabled: true})
	m, _ := running(t, against(r))
	until(t, m, "mapping", verdict(Mapped))
	table, err := m.Table(t.Context())
	if err != nil || !table.Complete || len(table.Entries) != 3 || table.Router.Name != "ACME Box" {
		t.Fatalf("%+v, %v", table, err)
	}
	ssh, desktop, ours := table.Entries[0], table.Entries[1], table.Entries[2]
	if ssh.External != 22 || ssh.Enabled || ssh.Internal.Addr().IsValid() || ssh.Ours {
		t.Errorf("%+v", ssh)
	}
	if desktop.Internal.String() != "192.168.1.23:3389" || desktop.Protocol != "TCP" || strings.Contains(desktop.Description, "\x1b") || !desktop.Enabled {
		t.Errorf("%+v", desktop)
	}
	if ours.External != testPort || !ours.Ours || ours.Protocol != "UDP" || ours.Lease == 0 {
		t.Errorf("%+v", ours)
	}
}

func TestAForeignEntryCanBeClosedAndOursCannot(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Put(routertest.Entry{External: 3389, Internal: 3389, Protocol: "TCP", Client: "192.168.1.23", Description: "Gaming PC"})
	r.Put(routertest.Entry{External: 23, Internal: 23, Protocol: "TCP", Client: "192.168.1.24", Description: "camera"})
	m, _ := running(t, against(r))
	until(t, m, "mapping", verdict(Mapped))
	for _, c := range []struct {
		protocol string
		port     uint16
		want     error
	}{
		{"udp", testPort, ErrOwnEntry},
		{"tcp", testPort, ErrNoEntry},
		{"udp", 3389, ErrNoEntry},
		{"tcp", 3389, nil},
		{"tcp", 3389, ErrNoEntry},
	} {
		if err := m.Close(t.Context(), c.protocol, c.port); !errors.Is(err, c.want) {
			t.Errorf("closing %s %d: %v, want %v", c.protocol, c.port, err, c.want)
		}
	}
	r.Script("DeletePortMapping", routertest.Reply{Fault: 606})
	err := m.Close(t.Context(), "TCP", 23)
	if !errors.Is(err, ErrTold) || !strings.Contains(err.Error(), "camera") || !strings.Contains(err.Error(), "192.168.1.24:23") {
		t.Errorf("a refusal: %v", err)
	}
	if left := r.Entries(); len(left) != 2 {
		t.Errorf("left: %+v", left)
	}
}

func TestAnEntryIsClosedInTheRoutersOwnWords(t *testing.T) {
	const remote = "any\x7fhost" // as no program should show it
	r := routertest.New(t, routertest.Options{})
	r.Put(routertest.Entry{External: 23, Internal: 23, Protocol: "TCP", Client: "192.168.1.24", Remote: remote})
	asked := ""
	r.Always("DeletePortMapping", func(args map[string]string) routertest.Reply {
		asked = args["NewRemoteHost"]
		return routertest.Reply{}
	})
	m, _ := running(t, against(r))
	until(t, m, "mapping", verdict(Mapped))
	if err := m.Close(t.Context(), "TCP", 23); err != nil || asked != remote {
		t.Errorf("asked to close the entry of %q, want %q: %v", asked, remote, err)
	}
}

func TestALongTableIsCutAndSaidToBe(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	for i := range uint16(maxTable + 20) {
		r.Put(routertest.Entry{External: 2000 + i, Internal: 80, Protocol: "TCP", Client: "192.168.1.9"})
	}
	m, _ := running(t, against(r))
	until(t, m, "mapping", verdict(Mapped))
	table, err := m.Table(t.Context())
	if err != nil || table.Complete || len(table.Entries) != maxTable {
		t.Errorf("%d entries, complete: %v, %v", len(table.Entries), table.Complete, err)
	}
}

func TestWithoutUPnPThereIsNoTable(t *testing.T) {
	r := routertest.New(t, routertest.Options{PCP: true, NoUPnP: true})
	m, _ := running(t, against(r))
	if s := until(t, m, "mapping", verdict(Mapped)); s.Router.Via != "PCP" {
		t.Fatalf("via %s", s.Router.Via)
	}
	if _, err := m.Table(t.Context()); !errors.Is(err, ErrNoTable) {
		t.Errorf("%v", err)
	}
}

func TestAskingAMapperThatDoesNotRunEndsWithTheContext(t *testing.T) {
	m, err := New(Config{Port: testPort, Description: testDesc})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.Table(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
