package memory

import (
	"context"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

func TestGarbageIsBoundedByWhatIsSearched(t *testing.T) {
	for name, c := range map[string]struct {
		searched, live uint64
		want           int
	}{
		"nothing collected yet":    {0, 0, 100},
		"all of it is searched":    {300 << 20, 300 << 20, 100},
		"mostly buffers":           {15 << 20, 100 << 20, 15},
		"little besides buffers":   {1 << 20, 80 << 20, 10},
		"little of all":            {1 << 20, 4 << 20, 100},
		"ten thousand devices too": {100 << 20, 200 << 20, 50},
	} {
		if got := (state{searched: c.searched, live: c.live}).percent(leastGarbage); got != c.want {
			t.Errorf("%s: %d %%, want %d", name, got, c.want)
		}
	}
}

func TestWhatIsLeftOfBusyTimesIsGivenBackWhenTheyAreOver(t *testing.T) {
	const mib = 1 << 20
	given := 0
	k := keeper{now: usual, set: func(int) {}, giveBack: func() { given++ }}
	for _, c := range []struct {
		name string
		s    state
		want int
	}{
		{"busy", state{live: 20 * mib, objects: 40 * mib, worked: time.Second}, 0},
		{"still busy", state{live: 20 * mib, objects: 40 * mib, worked: 2 * time.Second}, 0},
		{"quiet, with garbage", state{live: 20 * mib, objects: 40 * mib, worked: 2*time.Second + quiet/2}, 1},
		{"quiet, given back", state{live: 20 * mib, objects: 21 * mib, worked: 2*time.Second + quiet}, 1},
		{"quiet, with free memory", state{live: 20 * mib, objects: 21 * mib, free: 8 * mib, worked: 2*time.Second + quiet}, 2},
		{"quiet, with little of a large heap", state{live: 400 * mib, objects: 440 * mib, worked: 2*time.Second + quiet}, 2},
		{"quiet, just after a search", state{live: 40 * mib, objects: 39 * mib, worked: 2*time.Second + quiet}, 2},
	} {
		if k.look(c.s); given != c.want {
			t.Errorf("%s: given back %d times, want %d", c.name, given, c.want)
		}
	}
}

func TestLessLiesAroundAtRest(t *testing.T) {
	now := 0
	k := keeper{set: func(percent int) { now = percent }, giveBack: func() {}}
	s := state{searched: 1 << 20, live: 40 << 20}
	for _, want := range []int{20, 5, 5, 20} { // of 40 MiB
		if want == 20 {
			s.worked += quiet
		}
		if k.look(s); now != want {
			t.Errorf("after %v of work %d %% may lie around, want %d", s.worked, now, want)
		}
	}
}

func TestWhatThereIsCanBeRead(t *testing.T) {
	debug.FreeOSMemory()
	if s := read(); s.searched == 0 || s.live == 0 || s.objects == 0 || s.worked == 0 {
		t.Errorf("%+v", s)
	}
}

// buffers are like those for packets.
var buffers [][]byte

func TestBuffersLetNoGarbageLieAround(t *testing.T) {
	t.Setenv("GOGC", "")
	for range 1000 {
		buffers = append(buffers, make([]byte, 64<<10))
	}
	defer func() { buffers = nil }()
	debug.FreeOSMemory() // collects
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- KeepGarbageLow(ctx) }()
		time.Sleep(2 * lookEvery)
		if got := now(); got > 20 {
			t.Errorf("as much as %d %% may lie around", got)
		}
		cancel()
		<-done
		if got := now(); got != usual {
			t.Errorf("at the end it is %d", got)
		}
	})
}

func TestWhoHasSetTheCollectorKnowsBetter(t *testing.T) {
	t.Setenv("GOGC", "70")
	synctest.Test(t, func(t *testing.T) {
		defer debug.SetGCPercent(debug.SetGCPercent(70))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go KeepGarbageLow(ctx)
		time.Sleep(2 * lookEvery)
		if got := now(); got != 70 {
			t.Errorf("it is %d", got)
		}
	})
}

// now is the percentage that holds.
func now() int {
	p := debug.SetGCPercent(usual)
	debug.SetGCPercent(p)
	return p
}
