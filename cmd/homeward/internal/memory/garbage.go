package memory

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// usual is Go's own: as much garbage as there is in use, in percent.
	usual = 100
	// leastGarbage is worth no search while there is much to do, in bytes.
	leastGarbage = 8 << 20
	// leastAtRest is the same for what lies around of the little that is always done.
	leastAtRest = 2 << 20
	// lookEvery is how often we look at what there is.
	lookEvery = 2 * time.Second
	// step is a change of the percentage that is worth stopping the program for a moment.
	step = 5
	// quiet is less processor time than this between two looks.
	quiet = lookEvery / 20
)

// KeepGarbageLow bounds garbage by what the collector has to search, until ctx
// ends. Go bounds it by what is in use, of which the buffers for packets are the
// most: they count as 64 KiB each, though little of that is real memory, and
// garbage is. Searching costs as much as usual: buffers are not searched.
//
// And it gives back what is left of busy times as soon as they are over. Alone,
// Go would search again after two minutes. Who has set GOGC knows better.
func KeepGarbageLow(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		<-ctx.Done()
		return nil
	}
	defer func() { debug.SetGCPercent(usual) }()
	k := keeper{now: usual, set: func(percent int) { debug.SetGCPercent(percent) }, giveBack: debug.FreeOSMemory}
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			k.look(read())
		}
	}
}

// state is what there is at one moment, in bytes.
type state struct {
	searched, live uint64 // as of the last search
	objects        uint64 // live ones and those that became garbage since
	free           uint64 // held, but not used
	worked         time.Duration
}

func read() state {
	s := []metrics.Sample{{Name: "/gc/scan/heap:bytes"}, {Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(s)
	return state{s[0].Value.Uint64(), s[1].Value.Uint64(), s[2].Value.Uint64(), s[3].Value.Uint64(), worked()}
}

// keeper remembers what it did.
type keeper struct {
	now      int           // the percentage that holds
	worked   time.Duration // up to the last look
	set      func(percent int)
	giveBack func()
}

func (k *keeper) look(s state) {
	busy := s.worked-k.worked >= quiet
	k.worked = s.worked
	least := uint64(leastGarbage)
	if !busy {
		least = leastAtRest
	}
	if want := s.percent(least); want <= k.now-step || want >= k.now+step {
		k.set(want)
		k.now = want
	}
	if !busy && s.waste() >= max(2*leastAtRest, s.live/8) {
		k.giveBack()
	}
}

// percent is how much garbage there may be, of what is in use, so that it is as
// much as is searched, and least at least.
func (s state) percent(least uint64) int {
	if s.live == 0 {
		return usual // nothing was collected yet
	}
	return int(min(usual, max(s.searched, least)*100/s.live))
}

// waste is what could be given back.
func (s state) waste() uint64 { return s.free + max(s.objects, s.live) - s.live }
