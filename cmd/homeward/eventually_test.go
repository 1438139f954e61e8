package main

import (
	"testing"
	"time"
)

// testPatience is how long a test waits for what nobody promised a time for: a busy machine
// is many times slower.
const testPatience = 90 * time.Second

// eventually waits for ok, and returns how long that took. If it waits in vain, the test
// fails with what there is instead, as saw tells it.
func eventually(t *testing.T, what string, ok func() bool, saw func() any) time.Duration {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > testPatience {
			t.Fatalf("%s: not within %v, but %+v", what, testPatience, saw())
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}
