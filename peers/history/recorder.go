package history

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"homeward/peers"
)

const (
	lookEvery  = 10 * time.Second
	maxPending = 12 // intervals that wait for a disk which refuses
	trimEvery  = 24 * time.Hour
	trimFirst  = time.Hour // by then, the clock has been set
	// jumped is how far the clock moves between two looks when it was set, and not when
	// the box slept over a weekend; unheard is how long nothing was written down when it
	// may have been. Then nothing is forgotten for a day: the clock may be wrong.
	jumped  = 72 * time.Hour
	unheard = 30 * 24 * time.Hour
	// toldAt is how far from now an event may say that it happened.
	toldAt = time.Hour
	// maxRows bounds the traffic table, of each step.
	maxRows = 750_000
	// eventRoom is how many events may come before the recorder reads them.
	eventRoom = 256
)

// Config is what a Recorder needs. All fields but Now and Home are required.
type Config struct {
	DB     *sql.DB             // with the tables of configs/state
	Peers  func() []peers.Peer // with what is observed of them; must not wait
	Stream *Stream
	// Home says whether an address outside of the tunnel is in the house; nil
	// means never.
	Home    func(netip.Addr) bool
	Version string           // of the program, for its starts
	Now     func() time.Time // nil means time.Now
	Logger  *slog.Logger
}

// Recorder writes down what happens. Its methods may be called from any goroutine.
type Recorder struct {
	cfg   Config
	store store
	news  *Subscription
	rows  int // maxRows

	// disk is held while the store is written, and while somebody reads what is
	// partly there and partly in memory. It is taken before mu.
	disk sync.Mutex

	mu       sync.Mutex // guards the fields that follow
	tracks   map[peers.ID]*track
	recents  map[peers.ID]*recent
	pending  []interval // the last one grows
	sessions map[peers.ID][]Session
	diary    *diary
	removed  []peers.ID
	trimmed  time.Time // or when that was put off
	looked   time.Time
}

// New loads what was written down. It starts nothing: until Run, nothing is
// recorded but events, of which some are held.
func New(ctx context.Context, cfg Config) (*Recorder, error) {
	if cfg.DB == nil || cfg.Peers == nil || cfg.Stream == nil || cfg.Logger == nil || cfg.Version == "" {
		return nil, errors.New("history: Config lacks DB, Peers, Stream, Version or Logger")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Home == nil {
		cfg.Home = func(netip.Addr) bool { return false }
	}
	r := &Recorder{cfg: cfg, store: store{cfg.DB}, rows: maxRows, tracks: map[peers.ID]*track{}, recents: map[peers.ID]*recent{}, sessions: map[peers.ID][]Session{}}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	r.news = cfg.Stream.Subscribe(eventRoom)
	return r, nil
}

func (r *Recorder) load(ctx context.Context) error {
	events, err := r.store.events(ctx)
	if err != nil {
		return err
	}
	r.diary = newDiary(events)
	now := r.cfg.Now()
	err = r.store.hours(ctx, hourly.back(now, RecentHours-1), func(id peers.ID, hour int64, a Amount) { r.recentLocked(id).add(hour, a.Total()) })
	if err != nil {
		return err
	}
	orphans, err := r.store.orphans(ctx)
	if err != nil {
		return err
	}
	for id := range orphans {
		r.removed = append(r.removed, id)
		delete(r.recents, id)
	}
	seen, err := r.store.lastSeen(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.cfg.Peers() {
		t := &track{seen: p.Seen, expired: p.State == peers.Expired, idle: p.IdledOut}
		if seen[p.ID].After(t.seen) {
			t.seen = seen[p.ID]
		}
		r.tracks[p.ID] = t
	}
	r.trimmed = now.Add(trimFirst - trimEvery)
	newest, err := Newest(ctx, r.cfg.DB)
	if away := now.Sub(newest); !newest.IsZero() && (away < -toldAt || away > unheard) {
		r.trimmed = now
	}
	r.looked = now
	return err
}

// Run records until ctx ends, and then writes down what is left. It returns nil.
func (r *Recorder) Run(ctx context.Context) error {
	defer r.news.Close()
	r.start()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var trouble string
	save := func(ctx context.Context) {
		err := r.flush(ctx)
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if problem != "" && problem != trouble {
			r.cfg.Logger.Warn("writing the history failed, the latest hour is held", "err", err)
		}
		trouble = problem
	}
	save(ctx) // that it runs: what a crash leaves must be seen at the next start
	for {
		select {
		case <-ctx.Done():
			r.look()
			r.stop()
			bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
			defer cancel()
			save(bound)
			return nil
		case e := <-r.news.C:
			r.note(e)
		case <-tick.C:
			if r.look() {
				save(ctx)
			}
		}
	}
}

// start notes the start, and how the run before ended.
func (r *Recorder) start() {
	last, _ := r.Last(Stopped)
	began, ran := r.Last(Started)
	e := Event{At: r.cfg.Now(), Kind: Started, Detail: r.cfg.Version}
	if ran && began.ID > last.ID {
		e.Cause = "unclean"
	}
	if ran && began.Detail != r.cfg.Version {
		r.cfg.Stream.Publish(Event{At: e.At, Kind: Updated, Detail: began.Detail + " → " + r.cfg.Version})
	}
	r.cfg.Stream.Publish(e)
	r.drain()
}

// stop notes the end, after what is still on its way.
func (r *Recorder) stop() {
	r.cfg.Stream.Publish(Event{At: r.cfg.Now(), Kind: Stopped, Detail: r.cfg.Version})
	r.drain()
}

// drain notes what waits.
func (r *Recorder) drain() {
	for {
		select {
		case e := <-r.news.C:
			r.note(e)
		default:
			return
		}
	}
}

func (r *Recorder) note(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Events are told as they happen, by the system's clock, which Now may not believe.
	if now := r.cfg.Now(); e.At.IsZero() || now.Sub(e.At).Abs() > toldAt {
		e.At = now
	}
	r.diary.add(e)
}
