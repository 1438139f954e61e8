package memory

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryIsGivenBackAfterTheStartAndAfterUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var given atomic.Int64
		var used atomic.Pointer[time.Time]
		use := func() { now := time.Now(); used.Store(&now) }
		use()
		forget := func(while time.Duration) bool {
			last := used.Load()
			return last != nil && time.Since(*last) >= while && used.CompareAndSwap(last, nil)
		}
		done := make(chan error)
		go func() { done <- settler{forget, func() { given.Add(1) }}.run(ctx) }()
		for _, step := range []struct {
			what string
			wait time.Duration
			use  bool
			want int64
		}{
			{"while it starts", startUp - 1, false, 0},
			{"after the start", 1, false, 1},
			{"while nobody uses anything", 24 * time.Hour, true, 1},
			{"just after its use", time.Minute, false, 1},
			{"some time after its use", 2 * unused, false, 2},
			{"after that", 24 * time.Hour, false, 2},
		} {
			time.Sleep(step.wait)
			synctest.Wait()
			if got := given.Load(); got != step.want {
				t.Errorf("%s: given back %d times, want %d", step.what, got, step.want)
			}
			if step.use {
				use()
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
