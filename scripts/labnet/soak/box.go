//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"homeward/scripts/labnet"
)

// box is the running homeward.
type box struct {
	lab        *labnet.Lab
	bin, state string
}

func (b *box) do(args ...string) (string, error) {
	return b.lab.NAS.Try(b.bin, append(args, "--state", b.state, "--config", os.DevNull)...)
}

// firstPhone adds the device that makes the traffic, as soon as homeward knows
// its address, and returns its config.
func (b *box) firstPhone(ctx context.Context) ([]byte, error) {
	for end := time.Now().Add(30 * time.Second); ; {
		_, err := b.do("peers", "add", "phone")
		if err == nil {
			config, err := b.do("peers", "config", "phone")
			return []byte(config), err
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return nil, err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// figure is what the process holds at one moment.
type figure struct {
	at         time.Duration
	memory     int // KiB, resident: up and down with the garbage collector
	heap       int // KiB, in use
	goroutines int
	files      int
}

// measure asks the kernel, and homeward itself.
func (b *box) measure(at time.Duration) (figure, error) {
	f := figure{at: at}
	lock, err := os.ReadFile(filepath.Join(b.state, "lock"))
	if err != nil {
		return f, err
	}
	proc := filepath.Join("/proc", strings.TrimSpace(string(lock)))
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		return f, fmt.Errorf("homeward does not run any more: %w", err)
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	if fields := strings.Fields(string(rest)); len(fields) > 0 {
		f.memory, _ = strconv.Atoi(fields[0])
	}
	files, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		return f, err
	}
	f.files = len(files)
	text, err := b.do("doctor", "--json")
	if err != nil {
		return f, err
	}
	var told struct {
		Facts []struct{ Name, Value string }
	}
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		return f, err
	}
	for _, fact := range told.Facts {
		switch fact.Name {
		case "goroutines":
			f.goroutines, _ = strconv.Atoi(fact.Value)
		case "live heap (KiB)":
			f.heap, _ = strconv.Atoi(fact.Value)
		}
	}
	if f.memory == 0 || f.heap == 0 || f.goroutines == 0 {
		return f, errors.New("homeward does not say what it holds: these figures would prove nothing")
	}
	return f, nil
}

// watch measures until ctx ends and prints a line each time.
func (b *box) watch(ctx context.Context, w io.Writer, every time.Duration, l *load) ([]figure, error) {
	// The widths stand, since each line is seen as soon as it is measured.
	const columns = "%9v %10s %10s %11v %6v %7v %7v %16v %6v %16v\n"
	fmt.Fprintf(w, columns, "TIME", "MEMORY", "HEAP", "GOROUTINES", "FILES", "LOADED", "FAILED", "DEVICES CHANGED", "MOVES", "ROUTER RESTARTS")
	began := time.Now()
	var list []figure
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return list, nil
		case <-tick.C:
		}
		f, err := b.measure(time.Since(began))
		if err != nil {
			return list, err
		}
		list = append(list, f)
		fmt.Fprintf(w, columns, f.at.Round(time.Second), mib(f.memory), mib(f.heap), f.goroutines, f.files,
			l.loaded.Load(), l.failed.Load(), l.changes.Load(), l.moves.Load(), l.restarts.Load())
	}
}

func mib(kib int) string { return fmt.Sprintf("%.1f MiB", float64(kib)/1024) }

// judge compares the last third with the one before: the first is for warming up.
func judge(list []figure, l *load) error {
	if len(list) < 6 {
		return fmt.Errorf("there are %d figures only: let it run longer", len(list))
	}
	third := len(list) / 3
	middle, last := list[third:2*third], list[2*third:]
	var problems []error
	for _, k := range []struct {
		what  string
		of    func(figure) int
		grows int // may, beside a tenth
	}{
		{"memory (KiB)", func(f figure) int { return f.memory }, 24 << 10},
		{"heap (KiB)", func(f figure) int { return f.heap }, 4 << 10},
		{"goroutines", func(f figure) int { return f.goroutines }, 20},
		{"open files", func(f figure) int { return f.files }, 10},
	} {
		before, after := median(middle, k.of), median(last, k.of)
		fmt.Printf("%s: %d, then %d\n", k.what, before, after)
		if after > before+before/10+k.grows {
			problems = append(problems, fmt.Errorf("%s grew from %d to %d", k.what, before, after))
		}
	}
	if l.loaded.Load() == 0 || l.changes.Load() == 0 || l.moves.Load() == 0 || l.restarts.Load() == 0 {
		problems = append(problems, errors.New("there was no load: this proves nothing"))
	}
	if failed, loaded := l.failed.Load(), l.loaded.Load(); failed > loaded/20 {
		problems = append(problems, fmt.Errorf("%d of %d files did not come", failed, failed+loaded))
	}
	return errors.Join(append(problems, l.trouble())...)
}

func median(list []figure, of func(figure) int) int {
	var values []int
	for _, f := range list {
		values = append(values, of(f))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
