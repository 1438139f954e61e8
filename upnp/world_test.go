package upnp

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// world is a mapper with a router in memory, on a clock that jumps.
type world struct {
	t      *testing.T
	m      *Mapper
	router *memory
	gw     Gateway
	cancel context.CancelFunc
	ended  chan struct{}

	rerouted, announced func() // what the kernel and the router would call

	mu    sync.Mutex // guards the route
	route Gateway
	err   error
}

func inBubble(t *testing.T, f func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, router: &memory{wan: netip.MustParseAddr("81.2.69.2"), lease: time.Hour}}
		w.gw = Gateway{Addr: netip.MustParseAddr("192.168.1.1"), Self: netip.MustParseAddr("192.168.1.10"), Interface: "eth0"}
		w.route = w.gw
		var err error
		w.m, err = New(Config{Port: testPort, Description: testDesc, Gateway: func() (Gateway, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.route, w.err
		}})
		if err != nil {
			t.Fatal(err)
		}
		w.m.protocols = []protocol{w.router}
		// Goroutines that wait for the kernel would stop the bubble's clock.
		w.m.hearRoutes = func(ctx context.Context, changed func()) error { w.rerouted = changed; <-ctx.Done(); return nil }
		w.m.hearRouter = func(ctx context.Context, _ Gateway, heard func()) error {
			w.announced = heard
			<-ctx.Done()
			return nil
		}
		f(w)
		w.stop()
	})
}

func (w *world) start() {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.cancel, w.ended = cancel, make(chan struct{})
	go func() { defer close(w.ended); w.m.Run(ctx) }()
}

func (w *world) stop() {
	if w.cancel != nil {
		w.cancel()
		<-w.ended
	}
}

func (w *world) setRoute(gw Gateway, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.route, w.err = gw, err
}

// set changes the router.
func (w *world) set(change func(*memory)) {
	w.router.mu.Lock()
	defer w.router.mu.Unlock()
	change(w.router)
}

// seen is what the router was asked for so far.
func (w *world) seen() counts {
	w.router.mu.Lock()
	defer w.router.mu.Unlock()
	c := w.router.counts
	c.probed = slices.Clone(c.probed)
	return c
}

// sleep lets time pass on the bubble's clock.
func (w *world) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// until lets time pass until the status fits, at most an hour.
func (w *world) until(fits func(Status) bool) Status {
	w.t.Helper()
	for range 3600 {
		synctest.Wait()
		if s := w.m.Status(); fits(s) {
			return s
		}
		time.Sleep(time.Second)
	}
	w.t.Fatalf("status stays %+v", w.m.Status())
	return Status{}
}

// memory is a protocol and its session without a network. The test changes it by
// world.set and reads it by world.seen.
type memory struct {
	mu           sync.Mutex
	wan          netip.Addr
	lease        time.Duration // granted
	probeAnswer  answer
	addAnswer    answer
	checkAnswer  answer
	wanAnswer    answer
	refuseRemove bool
	adding       func()   // called when asked to add; may be nil
	via          string   // empty means "memory"
	taken        []uint16 // ports of somebody else

	counts
}

// counts is what a memory was asked for.
type counts struct {
	probes, adds, checks, asks, removed int
	probed                              []time.Time
	refused                             int
	last, lastRemoved                   want
}

func (m *memory) name() string { return "memory" }

func (m *memory) probe(context.Context, Gateway) (session, answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.probes++
	m.probed = append(m.probed, time.Now())
	return m, m.probeAnswer
}

func (m *memory) router() Router { return Router{Name: "memory", Via: cmp.Or(m.via, "memory")} }

func (m *memory) external(context.Context) (netip.Addr, answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asks++
	return m.wan, m.wanAnswer
}

func (m *memory) add(_ context.Context, w want) (grant, answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.adds++
	m.last = w
	if m.adding != nil {
		m.adding()
	}
	if slices.Contains(m.taken, w.port) {
		return grant{}, answer{outcome: conflict, problem: "taken"}
	}
	return grant{lease: m.lease, verified: true}, m.addAnswer
}

func (m *memory) check(_ context.Context, w want) (grant, answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checks++
	if slices.Contains(m.taken, w.port) {
		return grant{}, answer{outcome: conflict, problem: "taken"}
	}
	return grant{lease: m.lease, verified: true}, m.checkAnswer
}

func (m *memory) remove(_ context.Context, w want) answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lastRemoved = w
	if m.refuseRemove {
		m.refused++
		return answer{outcome: notAllowed}
	}
	m.removed++
	return answer{}
}

func (m *memory) sweep(context.Context, want) (int, answer) { return 0, answer{} }

// hearNothing hears of changes only when the test calls changed.
func hearNothing(changed *func()) func(context.Context, func()) error {
	return func(ctx context.Context, f func()) error {
		*changed = f
		<-ctx.Done()
		return nil
	}
}
