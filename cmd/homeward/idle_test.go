package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/history"
	"homeward/peers/peerstest"
)

// The state may lie on an SD card, which every write wears out: these are the parts that
// write by themselves, for a day.
func TestAnIdleHouseWritesAlmostNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		here   bool // a phone is connected all day
		aDay   int  // commits, at most
		anHour int  // in any hour, at most
	}{
		{"nobody is here", false, 3, 2},
		{"a phone is here all day", true, 24*13 + 2, 14},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := openState(t)
			identity, err := st.EnsureIdentity(t.Context(), func() (state.Plan, error) { return state.ChooseAddressPlan(nil, zeros{}) })
			if err != nil {
				t.Fatal(err)
			}
			watch, err := st.DB().Conn(t.Context()) // others' commits change what it is told
			if err != nil {
				t.Fatal(err)
			}
			defer watch.Close()
			synctest.Test(t, func(t *testing.T) {
				w := startWriters(t, st, identity)
				day, hour := 0, 0
				now, files := dataVersion(t, watch), lastGoodOf(t, st)
				for i := range 24 * 360 { // every ten seconds
					if i%360 == 0 {
						hour = 0
					}
					if c.here && i%12 == 0 {
						w.dev.Observe(w.phone.PublicKey, peers.Observed{Endpoint: netip.MustParseAddrPort("203.0.113.7:4500"), LastHandshake: time.Now(), ReceivedBytes: uint64(i) * 1000, SentBytes: uint64(i) * 1000})
					}
					time.Sleep(10 * time.Second)
					synctest.Wait()
					if v := dataVersion(t, watch); v != now {
						now, hour, day = v, hour+1, day+1
					}
					if hour > c.anHour {
						t.Fatalf("%d commits in hour %d, want at most %d", hour, i/360, c.anHour)
					}
				}
				t.Logf("%d commits in a day", day)
				if day > c.aDay {
					t.Errorf("%d commits in a day, want at most %d", day, c.aDay)
				}
				if c.here && day < 24*6 {
					t.Errorf("only %d commits: are they seen at all?", day)
				}
				if !os.SameFile(files, lastGoodOf(t, st)) {
					t.Error("the last-good file was written anew")
				}
				if all, err := os.ReadDir(st.Path("daily")); err != nil || len(all) > 2 {
					t.Errorf("%d snapshots in a day, %v", len(all), err)
				}
				w.stop()
			})
		})
	}
}

// writers are the parts that write to the state directory by themselves.
type writers struct {
	dev   *peerstest.Device
	phone peers.Peer
	stop  func()
}

func startWriters(t *testing.T, st *state.State, identity state.Identity) *writers {
	t.Helper()
	quiet, events, w := slog.New(slog.DiscardHandler), &history.Stream{}, &writers{dev: peerstest.NewDevice()}
	own := identity.Plan.Own()
	m, err := peers.New(t.Context(), peers.Config{DB: st.DB(), Device: w.dev, Logger: quiet, Facts: func() peers.Facts {
		return peers.Facts{PublicKey: identity.PrivateKey.Public(), Endpoint: &peers.Endpoint{Host: "home.example.org", Port: 51820, Source: peers.EndpointOperator}, MTU: 1412, Tunnel: own}
	}})
	if err != nil {
		t.Fatal(err)
	}
	i, err := m.Create(t.Context(), peers.NewPeer{Name: "phone", IdleDays: 30})
	if err != nil {
		t.Fatal(err)
	}
	w.phone = i.Peer
	r, err := history.New(t.Context(), history.Config{DB: st.DB(), Peers: m.List, Stream: events, Version: version, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	keeper := &lastGoodKeeper{state: st, now: time.Now, peers: m, log: quiet, again: make(chan struct{}, 1)}
	keeper.identity.Store(&identity)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	b := &box{log: quiet}
	b.begin(st)
	for _, run := range []func(context.Context) error{m.Run, r.Run, keeper.Run, b.wellAfter(st, state.Starts{}).Run, func(ctx context.Context) error { return st.KeepDaily(ctx, time.Now, quiet) }} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	w.stop = func() { cancel(); running.Wait() }
	time.Sleep(10 * time.Minute) // what a start writes
	synctest.Wait()
	return w
}

func dataVersion(t *testing.T, on *sql.Conn) (v int) {
	t.Helper()
	if err := on.QueryRowContext(context.Background(), "PRAGMA data_version").Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func lastGoodOf(t *testing.T, st *state.State) os.FileInfo {
	t.Helper()
	info, err := os.Stat(st.Path("last-good"))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestAHistoryThatCannotBeWrittenKeepsNobodyFromChangingDevices(t *testing.T) {
	dir := newDir(t, "")
	stop, _ := start(t, dir)
	for _, table := range []string{"events", "peer_traffic", "peer_sessions"} {
		change(t, dir, `CREATE TRIGGER bad_`+table+` BEFORE INSERT ON `+table+` BEGIN SELECT RAISE(FAIL, 'disk I/O error'); END`)
	}
	mustDo(t, dir, "peers", "add", "anna")
	mustDo(t, dir, "peers", "add", "bert")
	mustDo(t, dir, "peers", "edit", "anna", "--note", "changed")
	mustDo(t, dir, "peers", "remove", "bert")
	var list []struct{ Name, Note string }
	if err := json.Unmarshal([]byte(mustDo(t, dir, "peers", "list", "--json")), &list); err != nil || len(list) != 1 || list[0].Note != "changed" {
		t.Errorf("%v, %v", list, err)
	}
	if said := mustDo(t, dir, "log"); !strings.Contains(said, "anna") {
		t.Errorf("what happened is not known from memory: %s", said)
	}
	if code, errs := stop(); code != exitOK {
		t.Errorf("serve ended with %d: %s", code, errs)
	}
	stop, _ = start(t, dir)
	if said := mustDo(t, dir, "peers", "list"); !strings.Contains(said, "anna") || strings.Contains(said, "bert") {
		t.Errorf("after a restart: %s", said)
	}
	stop()
}
