package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

type key struct{ pkg, test string }

type tally struct {
	passed, failed, skipped int
	output                  map[key][]string
	broken                  map[string]bool // packages with a failed test
	crashed                 map[string]bool // packages that ended otherwise than by failed tests
	failures                []failure
	unsteady                []key
	slow                    []event
	skips                   []string
	out                     io.Writer
}

func newTally(out io.Writer) *tally {
	return &tally{output: map[key][]string{}, broken: map[string]bool{}, crashed: map[string]bool{}, out: out}
}

func (t *tally) take(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "output":
		t.output[k] = append(t.output[k], e.Output)
	case "build-output":
		fmt.Fprint(t.out, e.Output)
	case "pass", "fail", "skip":
		t.end(k, e)
	}
}

func (t *tally) end(k key, e event) {
	text := strings.Join(t.output[k], "")
	delete(t.output, k)
	if e.Action == "fail" {
		fmt.Fprintf(t.out, "--- %s %s\n%s", e.Package, e.Test, text)
	}
	if e.Test == "" { // the package as a whole: its tests are counted one by one
		if e.Action == "pass" {
			fmt.Fprintf(t.out, "ok   %-50s %6.1fs\n", e.Package, e.Elapsed)
		}
		if e.Action == "fail" && !strings.Contains("\n"+text, "\nFAIL\n") {
			t.crashed[e.Package] = true
		}
		if e.Action == "fail" && !t.broken[e.Package] { // it did not build, or ended outside of a test
			t.failed++
		}
		return
	}
	switch e.Action {
	case "pass":
		t.passed++
	case "fail":
		t.failed++
		t.broken[e.Package] = true
		t.failures = append(t.failures, failure{k, text})
	case "skip":
		t.skipped++
		t.skips = append(t.skips, fmt.Sprintf("%s %s: %s", e.Package, e.Test, strings.TrimSpace(text)))
	}
	if e.Elapsed >= 1 && !strings.Contains(e.Test, "/") {
		t.slow = append(t.slow, e)
	}
}

func (t *tally) report() {
	slices.SortFunc(t.slow, func(a, b event) int { return int((b.Elapsed - a.Elapsed) * 1000) })
	for i, e := range t.slow {
		if i == 0 {
			fmt.Fprintln(t.out, "\nslowest:")
		}
		if i < 10 {
			fmt.Fprintf(t.out, "  %6.1fs %s %s\n", e.Elapsed, e.Package, e.Test)
		}
	}
	for i, s := range t.skips {
		if i == 0 {
			fmt.Fprintln(t.out, "\nskipped:")
		}
		fmt.Fprintf(t.out, "  %s\n", s)
	}
	for i, k := range t.unsteady {
		if i == 0 {
			fmt.Fprintln(t.out, "\nunsteady: failed once, and passed when run again alone:")
		}
		fmt.Fprintf(t.out, "  %s %s\n", k.pkg, k.test)
	}
	fmt.Fprintf(t.out, "\n%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
}
