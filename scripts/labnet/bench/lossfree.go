//go:build linux

package main

import (
	"fmt"
	"time"
)

// How the loss-free rate is looked for: by halving what lies between a rate
// that passes and one that does not. A machine that others share stops for a
// moment now and then: a rate gets a second chance, and one packet in a
// thousand counts as none.
const (
	halvings = 6
	lossTry  = time.Second
	mayLose  = 1e-3
)

// lossFree looks for the greatest rate of datagrams that arrive, each way.
func lossFree(w *world, _ *server, r *row) error {
	for _, way := range []struct {
		name string
		args []string
	}{{"up", nil}, {"down", []string{"-R"}}} {
		rate, err := w.lossFree(way.args)
		if err != nil {
			return err
		}
		r.add("loss-free udp "+way.name+" Gb/s", rate/1e9)
	}
	return nil
}

func (w *world) lossFree(args []string) (float64, error) {
	flood, err := w.iperf(lossTry, append(datagrams("0"), args...)...)
	if err != nil {
		return 0, err
	}
	return search(1.5*flood.Rate, func(rate float64) (bool, error) {
		for range 2 {
			got, err := w.iperf(lossTry, append(datagrams(fmt.Sprintf("%.0f", rate)), args...)...)
			if err != nil {
				return false, err
			}
			// A sender that cannot keep up with the rate has not shown it.
			if got.Lost <= mayLose*got.Packets && got.Rate >= 0.9*rate {
				return true, nil
			}
		}
		return false, nil
	})
}

// search looks for the greatest rate below most that passes, or 0.
func search(most float64, passes func(rate float64) (bool, error)) (float64, error) {
	low, high := 0.0, most
	for range halvings {
		middle := (low + high) / 2
		ok, err := passes(middle)
		if err != nil {
			return 0, err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	return low, nil
}
