//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"homeward/web/api"
)

// manyDevices is how many devices are added to those that are there.
const manyDevices = 1000

// manyPeers adds devices one after another, as a program would, while the
// client's packets are watched. It needs minutes of a slow machine at most.
func manyPeers(w *world, s *server, r *row) error {
	if s.socket == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	time.Sleep(settle)
	before, err := s.mib("VmRSS")
	if err != nil {
		return err
	}
	client := api.NewClient(s.socket)
	end := s.profile(w.s.profiles, r.name+" peers")
	began := time.Now()
	rtt, err := w.ownBeside(func() error {
		for i := range manyDevices {
			if _, err := client.AddPeer(ctx, api.NewPeer{Name: fmt.Sprintf("one more %d", i+1)}); err != nil {
				return fmt.Errorf("after %d devices: %w", i, err)
			}
		}
		r.add("add a device ms", float64(time.Since(began).Microseconds())/1e3/manyDevices)
		return nil
	}, "rtt")
	if err != nil {
		return err
	}
	r.add("adding rtt µs", rtt)
	time.Sleep(settle)
	after, err := s.mib("VmRSS")
	r.add("KiB a device", (after-before)*1024/manyDevices)
	if err != nil {
		return err
	}
	began = time.Now()
	if _, err = client.Peers(ctx); err != nil {
		return err
	}
	r.add("list devices ms", float64(time.Since(began).Microseconds())/1e3)
	return end()
}
