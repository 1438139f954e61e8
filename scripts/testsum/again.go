package main

import (
	"fmt"
	"slices"
	"strings"
)

// failure is a test that failed, and what it said.
type failure struct {
	key
	text string
}

// few is how many failed tests may be the machine's fault. More are the program's.
const few = 5

// tryAgain runs the failed tests once more, each alone, when they are few. Those that pass
// are counted as passed, and named as unsteady.
func (t *tally) tryAgain(flags []string) error {
	var tops []key
	for _, f := range t.failures {
		if top := f.top(); !slices.Contains(tops, top) {
			tops = append(tops, top)
		}
	}
	if len(tops) > few {
		return nil
	}
	for _, top := range tops {
		if !t.mayBeLuck(top) {
			continue
		}
		fmt.Fprintf(t.out, "again, alone: %s %s\n", top.pkg, top.test)
		second := newTally(t.out)
		if err := second.goTest(append([]string{"-p=1", "-count=1"}, flags...), "^"+top.test+"$", []string{top.pkg}); err != nil {
			return err
		}
		if second.failed == 0 && second.skipped == 0 && second.passed > 0 {
			t.forgive(top)
		}
	}
	return nil
}

// top is the test that a subtest belongs to.
func (f failure) top() key {
	name, _, _ := strings.Cut(f.test, "/")
	return key{f.pkg, name}
}

// mayBeLuck is false when what a test said cannot come from a slow machine.
func (t *tally) mayBeLuck(top key) bool {
	return !t.crashed[top.pkg] && !slices.ContainsFunc(t.failures, func(f failure) bool {
		return f.top() == top && (strings.Contains(f.text, "DATA RACE") || strings.Contains(f.text, "race detected") || strings.Contains(f.text, "panic:"))
	})
}

func (t *tally) forgive(top key) {
	t.unsteady = append(t.unsteady, top)
	t.failures = slices.DeleteFunc(t.failures, func(f failure) bool {
		if f.top() != top {
			return false
		}
		t.failed--
		t.passed++
		return true
	})
}
