//go:build linux

package labnet

import "time"

// Eventually waits for something that other processes do.
func Eventually(t T, limit time.Duration, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); time.Now().Before(end); <-tick.C {
		if f() {
			return
		}
	}
	t.Fatalf("%s: not within %v", what, limit)
}
