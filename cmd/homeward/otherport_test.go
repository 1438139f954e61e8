package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"homeward/cmd/homeward/internal/dnsname"
	"homeward/cmd/homeward/internal/house"
	"homeward/configs"
	"homeward/configs/state"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/web/api"
)

// newOtherPort is one of a new home whose first port is 40001.
func newOtherPort(t *testing.T, dir string) (*otherPort, *state.State, state.Identity) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	st, err := state.Open(t.Context(), dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	id, err := st.EnsureIdentity(t.Context(), func() (state.Plan, error) {
		return state.ChooseAddressPlan(nil, strings.NewReader(strings.Repeat("seed", 100)))
	})
	if err != nil {
		t.Fatal(err)
	}
	tun, err := newTunnel(&box{settings: configs.Settings{Plane: "netstack"}, log: quiet}, st, id, 40001, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return &otherPort{first: 40001, tunnel: tun, state: st, port: id.OtherPort, promised: func() bool { return false }, kept: func(uint16) {}}, st, id
}

func TestAnotherPortIsKeptOverARestart(t *testing.T) {
	dir := t.TempDir()
	o, st, id := newOtherPort(t, dir)
	if o.Port() != 0 {
		t.Errorf("a new home has another port: %d", o.Port())
	}
	var told []uint16
	o.kept = func(port uint16) { told = append(told, port) }
	if err := errors.Join(o.Try(t.Context(), 50001), o.Try(t.Context(), 50002), o.Settle(t.Context(), 50002), o.Settle(t.Context(), 50002)); err != nil {
		t.Fatal(err)
	}
	st.Close()
	o, _, again := newOtherPort(t, dir)
	if o.Port() != 50002 || again.ListenPort != id.ListenPort || !slices.Equal(told, []uint16{50002}) {
		t.Errorf("after a restart %d beside %d, told %v", o.Port(), again.ListenPort, told)
	}
	if err := errors.Join(o.Try(t.Context(), 40001), o.Settle(t.Context(), 40001)); err != nil || o.Port() != 0 {
		t.Errorf("back at the first one: %v, %d", err, o.Port())
	}
}

// While the tunnel runs, what it listens on follows; what was only tried does not stay.
func TestPortsThatWereTriedAreClosedAgain(t *testing.T) {
	taken, err := net.ListenPacket("udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	o, _, _ := newOtherPort(t, t.TempDir())
	runTunnel(t, o.tunnel)
	if err := o.Settle(t.Context(), 40003); err != nil {
		t.Fatal(err)
	}
	if err := o.Try(t.Context(), taken.LocalAddr().(*net.UDPAddr).AddrPort().Port()); !errors.Is(err, tunnel.ErrPortInUse) {
		t.Errorf("a port that another program has: %v", err)
	}
	if got := o.tunnel.Status().Further; !slices.Equal(got, []uint16{40003}) {
		t.Errorf("listens on %v", got)
	}
	if err := o.Try(t.Context(), 40004); err != nil {
		t.Fatal(err)
	}
	if got := o.tunnel.Status().Further; !slices.Equal(got, []uint16{40003, 40004}) {
		t.Errorf("while one is tried it listens on %v", got)
	}
	if err := o.Settle(t.Context(), 40003); err != nil {
		t.Fatal(err)
	}
	if got := o.tunnel.Status().Further; !slices.Equal(got, []uint16{40003}) {
		t.Errorf("afterwards it listens on %v", got)
	}
}

// runTunnel has a tunnel run until the test ends.
func runTunnel(t *testing.T, tun *tunnel.Tunnel) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tun.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-tun.Ready():
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
}

// Settling on a port that cannot be listened on, or not be remembered, leaves all as it
// was: in the database, in the last-good file and on the network.
func TestSettlingOnAPortIsWholeOrUndone(t *testing.T) {
	taken, err := net.ListenPacket("udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	o, st, _ := newOtherPort(t, t.TempDir())
	runTunnel(t, o.tunnel)
	if err := errors.Join(o.Try(t.Context(), 40005), o.Settle(t.Context(), 40005)); err != nil {
		t.Fatal(err)
	}
	var told []uint16
	o.kept = func(port uint16) { told = append(told, port) }
	asBefore := func(what string) {
		t.Helper()
		if got := o.tunnel.Status().Further; o.Port() != 40005 || !slices.Equal(got, []uint16{40005}) || len(told) > 0 {
			t.Errorf("%s: %d is settled on, listens on %v, told %v", what, o.Port(), got, told)
		}
	}
	if err := o.Settle(t.Context(), busy); !errors.Is(err, tunnel.ErrPortInUse) {
		t.Errorf("a port that another program has: %v", err)
	}
	asBefore("not listened on")
	if id, err := st.EnsureIdentity(t.Context(), nil); err != nil || id.OtherPort != 40005 {
		t.Errorf("the database has %d, %v", id.OtherPort, err)
	}
	st.Close() // as when the disk is gone
	if err := o.Settle(t.Context(), 40006); err == nil {
		t.Error("a port that cannot be remembered is settled on")
	}
	asBefore("not remembered")
	if err := o.Settle(t.Context(), 40005); err != nil { // as the mapper does after an error
		t.Error(err)
	}
	asBefore("settled on the present one")
}

// The last-good file tells the port that devices call.
func TestTheTunnelWithoutTheDatabaseKnowsTheOtherPort(t *testing.T) {
	_, st, id := newOtherPort(t, t.TempDir())
	id.OtherPort = 50002
	if err := st.WriteLastGood(state.LastGood{Identity: id, Peers: []byte(`[]`)}); err != nil {
		t.Fatal(err)
	}
	if g, err := st.LastGood(); err != nil || g.Identity.OtherPort != 50002 || g.Identity.ListenPort != id.ListenPort {
		t.Errorf("%+v, %v", g.Identity, err)
	}
}

func TestCodesHaveTheOtherPortAndThatIsSaid(t *testing.T) {
	at := netip.MustParseAddrPort("81.2.69.2:57618")
	router := upnp.Status{Verdict: upnp.Mapped, Port: 57618, FirstPort: 41234, External: at.Addr(), Mapping: &upnp.Mapping{External: at}}
	joints := wayHome(tunnel.Status{Up: true, ListenPort: 41234}, router, dnsname.Status{}, nil, nil, nil, nil, router.Since)
	i := slices.IndexFunc(joints, func(j api.Joint) bool { return j.Key == "port" })
	if s := joints[i].Summary; !strings.Contains(s, "does not give UDP 41234") || !strings.Contains(s, "New codes have UDP 57618") {
		t.Errorf("%q", s)
	}
	_, st, _ := newOtherPort(t, t.TempDir())
	book, err := house.New(t.Context(), st.DB(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"": "81.2.69.2:57618", "home.example.org": "home.example.org:57618", "home.example.org:7": "home.example.org:7"} {
		a := &appliance{settings: configs.Settings{Endpoint: file}, book: book}
		if e := endpointFor(a.operators(router.Port), dnsname.Status{}, router); e == nil || e.String() != want {
			t.Errorf("with %q codes have %v", file, e)
		}
	}
}
