//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

func TestEveryKindOfServerIsMeasured(t *testing.T) {
	labnet.Bare(t) // or skip
	t.Chdir("../../..")
	s := settings{rounds: 1, duration: time.Second, servers: []string{"kernel", "R", "netstack"}, loads: []string{"down4"}, profiles: t.TempDir()}
	var out table
	if err := labnet.Outside(func(lt labnet.T) error { return s.measure(lt, &out) }); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	out.print(&text, &s)
	for _, r := range out.rows {
		if v, ok := r.median("down 4 Gb/s"); !ok || v <= 0 {
			t.Errorf("%s: no rate in\n%s", r.name, &text)
		}
		if v, ok := r.median("peak MiB"); r.name != "kernel" && (!ok || v <= 1) {
			t.Errorf("%s: no memory in\n%s", r.name, &text)
		}
	}
	for _, kind := range []string{"cpu", "heap"} {
		if f, err := os.Stat(filepath.Join(s.profiles, "netstack-down-4."+kind)); err != nil || f.Size() == 0 {
			t.Errorf("no profile: %v", err)
		}
	}
}

func TestTheTableHasMediansBoundsAndRatios(t *testing.T) {
	var tab table
	for _, v := range []float64{3, 1, 2} {
		tab.of("R").add("x", v)
		tab.of("tun").add("x", 2*v)
	}
	tab.of("tun").add("only here", 1)
	for r, want := range map[string]string{"R": "2 (1–3)", "tun": "4 (2–6) 2.00×"} {
		if got := tab.cell(tab.of(r), "x"); got != want {
			t.Errorf("%s: %q, want %q", r, got, want)
		}
	}
	if got := tab.cell(tab.of("R"), "only here"); got != "–" {
		t.Errorf("a figure that is not there: %q", got)
	}
}
