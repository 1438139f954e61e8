package main

import (
	"context"
	"time"

	"homeward/cmd/homeward/internal/timekeeper"
	"homeward/configs/state"
	"homeward/peers/history"
)

// newClock makes the clock of an appliance from the system's, which nil stands for. It
// knows what was written down last.
func newClock(ctx context.Context, st *state.State, wall func() time.Time) (*timekeeper.Clock, error) {
	newest, err := history.Newest(ctx, st.DB())
	if err != nil {
		return nil, err
	}
	if good, err := st.LastGood(); err == nil && good.Written.After(newest) {
		newest = good.Written
	}
	return timekeeper.New(timekeeper.Config{Newest: newest, Wall: wall}), nil
}
