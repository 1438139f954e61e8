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
	// leastGarbage is worth no search, in bytes.
	leastGarbage = 8 << 20
	// lookEvery is how often the percentage is fitted to what is in use.
	lookEvery = 2 * time.Second
	// step is a change of the percentage that is worth stopping the program for a moment.
	step = 5
)

// KeepGarbageLow bounds garbage by what the collector has to search, until ctx
// ends. Go bounds it by what is in use, of which the buffers for packets are the
// most: they count as 64 KiB each, though little of that is real memory, and
// garbage is. Searching costs as much as usual: buffers are not searched. Who has
// set GOGC knows better.
func KeepGarbageLow(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		<-ctx.Done()
		return nil
	}
	now := usual
	defer func() { debug.SetGCPercent(usual) }()
	samples := []metrics.Sample{{Name: "/gc/scan/heap:bytes"}, {Name: "/gc/heap/live:bytes"}}
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		metrics.Read(samples)
		if want := percent(samples[0].Value.Uint64(), samples[1].Value.Uint64()); want <= now-step || want >= now+step {
			debug.SetGCPercent(want)
			now = want
		}
	}
}

// percent is how much garbage there may be, of what is in use, so that it is as
// much as is searched.
func percent(searched, live uint64) int {
	if live == 0 {
		return usual // nothing was collected yet
	}
	return int(min(usual, max(searched, leastGarbage)*100/live))
}
