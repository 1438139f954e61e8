//go:build linux

package labnet

import "time"

// How much longer than usual Eventually waits, and how long at least: a busy machine is
// many times slower, and a test that ends well loses nothing by it.
const (
	slower    = 6
	leastWait = 90 * time.Second
)

// Eventually waits for something that other processes do, which usually takes usual at
// most. It is for what nobody promised a time for; see Within for a promise.
func Eventually(t T, usual time.Duration, what string, f func() bool) {
	t.Helper()
	await(t, max(slower*usual, leastWait), what, f)
}

// Within waits for something that has to happen within limit.
func Within(t T, limit time.Duration, what string, f func() bool) {
	t.Helper()
	await(t, limit, what, f)
}

func await(t T, limit time.Duration, what string, f func() bool) {
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
