package main

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"homeward/configs/state"
	"homeward/peers"
)

// A renumbering tells the network and, a moment later, the devices: the file must not
// have the one without the other.
func TestTheLastGoodFileWaitsForTheDevicesOfAnotherNetwork(t *testing.T) {
	st, quiet := openState(t), slog.New(slog.DiscardHandler)
	identity, err := st.EnsureIdentity(t.Context(), func() (state.Plan, error) { return state.ChooseAddressPlan(nil, zeros{}) })
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		m, err := peers.New(t.Context(), peers.Config{DB: st.DB(), Device: noDevice{}, Facts: func() peers.Facts { return peers.Facts{} }, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		k := &lastGoodKeeper{state: st, now: time.Now, peers: m, log: quiet, again: make(chan struct{}, 1)}
		k.identity.Store(&identity)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- k.Run(ctx) }()
		network := func() netip.Prefix {
			t.Helper()
			synctest.Wait()
			good, err := st.LastGood()
			if err != nil {
				t.Fatal(err)
			}
			return good.Identity.Plan.V4
		}
		if network() != identity.Plan.V4 {
			t.Error("it is not written at first")
		}
		next := identity.Plan
		next.V4 = netip.MustParsePrefix("10.77.3.0/24")
		k.planned(next)
		time.Sleep(settleBefore / 2)
		if network() == next.V4 {
			t.Error("the network is written before its devices")
		}
		time.Sleep(settleBefore)
		if network() != next.V4 {
			t.Error("the network is not written")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
