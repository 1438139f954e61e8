package peers_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"homeward/configs/state"
	"homeward/peers"
	"homeward/peers/peerstest"
)

// crashDir tells this program that it is the process that gets killed.
const crashDir = "HOMEWARD_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		changeUntilKilled(dir, os.Getenv("HOMEWARD_TEST_CRASH_FROM"))
		return
	}
	if dir := os.Getenv("HOMEWARD_TEST_FAULT_DIR"); dir != "" {
		changeOnABadDisk(dir)
		return
	}
	os.Exit(m.Run())
}

// crashPeer is a peer as the oracle knows it.
type crashPeer struct {
	name, note string
	enabled    bool
}

// oracle is what the database has to say after some changes: the same sequence of
// changes every time, each following from what the ones before led to.
type oracle struct {
	peers map[peers.ID]crashPeer
	order []peers.ID
	next  peers.ID
}

// change is one step of the sequence.
type change struct {
	create, remove bool
	id             peers.ID // of what is removed or edited
	to             crashPeer
}

func (o *oracle) change(step int) change {
	r := rand.New(rand.NewPCG(uint64(step), 7))
	kind := r.IntN(10)
	if len(o.order) == 0 || kind < 4 && len(o.order) < 40 {
		return change{create: true, to: crashPeer{fmt.Sprintf("device %d", step), fmt.Sprintf("made at %d", step), true}}
	}
	id := o.order[r.IntN(len(o.order))]
	if kind < 6 {
		return change{remove: true, id: id}
	}
	to := o.peers[id]
	to.note, to.enabled = fmt.Sprintf("changed at %d", step), !to.enabled
	return change{id: id, to: to}
}

func (o *oracle) follow(c change) {
	switch {
	case c.create:
		o.next++
		o.peers[o.next], o.order = c.to, append(o.order, o.next)
	case c.remove:
		delete(o.peers, c.id)
		for i, id := range o.order {
			if id == c.id {
				o.order = append(o.order[:i:i], o.order[i+1:]...)
				break
			}
		}
	default:
		o.peers[c.id] = c.to
	}
}

func newOracle(steps int) *oracle {
	o := &oracle{peers: map[peers.ID]crashPeer{}}
	for i := range steps {
		o.follow(o.change(i))
	}
	return o
}

func (o *oracle) text() string {
	var b strings.Builder
	for _, id := range o.order {
		fmt.Fprintf(&b, "%d %v\n", id, o.peers[id])
	}
	return b.String()
}

// changeUntilKilled makes the changes from a step on and says each that is done.
func changeUntilKilled(dir, from string) {
	fail := func(err error) {
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
	}
	var step int
	_, err := fmt.Sscan(from, &step)
	fail(err)
	ctx := context.Background()
	s, err := state.Open(ctx, dir, slog.New(slog.DiscardHandler))
	fail(err)
	m, err := peers.New(ctx, peers.Config{DB: s.DB(), Device: peerstest.NewDevice(), Facts: facts, Logger: slog.New(slog.DiscardHandler)})
	fail(err)
	for o := newOracle(step); ; step++ {
		c := o.change(step)
		switch {
		case c.create:
			_, err = m.Create(ctx, peers.NewPeer{Name: c.to.name, Note: c.to.note})
		case c.remove:
			err = m.Remove(ctx, c.id)
		default:
			_, err = m.Edit(ctx, c.id, 0, peers.Change{Note: &c.to.note, Enabled: &c.to.enabled})
		}
		fail(err)
		o.follow(c)
		fmt.Println("done", step)
	}
}

// stored is what a start after the crash finds.
func stored(t *testing.T, dir string) string {
	t.Helper()
	s, err := state.Open(t.Context(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Repaired() != nil {
		t.Fatalf("the database was damaged: %v", s.Repaired().Cause)
	}
	m, err := peers.New(t.Context(), peers.Config{DB: s.DB(), Device: peerstest.NewDevice(), Facts: facts, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if out := m.LeftOut(); len(out) > 0 {
		t.Fatalf("damaged devices: %v", out)
	}
	found := &oracle{peers: map[peers.ID]crashPeer{}}
	all := m.List()
	for id := peers.ID(1); len(found.order) < len(all); id++ {
		if p, err := m.Get(id); err == nil {
			found.order = append(found.order, id)
			found.peers[id] = crashPeer{string(p.Name), p.Note, p.Enabled}
		}
	}
	return found.text()
}

// Whoever kills homeward in the middle of its work finds every change that it had
// acknowledged, and the one under way either whole or not at all.
func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	rounds := 50
	if os.Getenv("HOMEWARD_TEST_LONG") != "" {
		rounds = 1000
	}
	if testing.Short() {
		rounds = 5
	}
	dir, done, halfway := t.TempDir(), 0, 0
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for round := range rounds {
		acknowledged := crash(t, dir, done, time.Duration(random.IntN(30_000))*time.Microsecond)
		switch got := stored(t, dir); got {
		case newOracle(acknowledged).text():
			done = acknowledged
		case newOracle(acknowledged + 1).text():
			done = acknowledged + 1
			halfway++
		default:
			t.Fatalf("round %d, after %d changes: the database says\n%s\nwant\n%s", round, acknowledged, got, newOracle(acknowledged).text())
		}
	}
	t.Logf("%d kills in %d changes; %d changes were stored and not yet acknowledged", rounds, done, halfway)
	if done < rounds {
		t.Errorf("only %d changes in %d rounds: the kills came too early to prove anything", done, rounds)
	}
}

// crash makes changes from a step on in a process that it kills some time after the
// first of them. It returns how many were acknowledged in all.
func crash(t *testing.T, dir string, from int, after time.Duration) int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("HOMEWARD_TEST_CRASH_FROM=%d", from))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(time.Hour, func() { cmd.Process.Kill() })
	defer kill.Stop()
	lines := bufio.NewScanner(out)
	acknowledged := from
	for lines.Scan() {
		var step int
		if n, _ := fmt.Sscanf(lines.Text(), "done %d", &step); n != 1 || step != acknowledged {
			t.Errorf("said %q after %d changes", lines.Text(), acknowledged)
			break
		}
		if acknowledged++; acknowledged == from+1 {
			kill.Reset(after)
		}
	}
	cmd.Process.Kill()
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Errorf("ended by itself: %v", err)
	}
	return acknowledged
}
