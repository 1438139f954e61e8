//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"homeward/scripts/labnet"
)

// fault is something that a home does to a port on its router.
type fault struct {
	name   string
	router labnet.Options
	bound  time.Duration // until what is measured is so
	// told is what homeward must say, on the page's way home. Without it, a phone
	// outside must come in, or where nothing is injected, the port be open.
	told    string
	prepare func(*patient) // before homeward starts; may be nil
	inject  func(*patient) // nil: the start is what is measured
	// code is what the phone's code must contain; empty: anything.
	code string
}

// runFaults prints a line for each fault whose name has part in it, and fails if one
// took longer than it may.
func runFaults(ctx context.Context, w io.Writer, part string) int {
	bin, err := os.MkdirTemp("", "homeward-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(bin)
	bin = filepath.Join(bin, "homeward")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/homeward").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building homeward: %v\n%s", err, out)
		return 1
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer tw.Flush()
	fmt.Fprintln(tw, "WHAT\tUNTIL\tTOOK\tMAY TAKE\t")
	code, rows := 0, 0
	for _, f := range append(starts(), faults()...) {
		if !strings.Contains(f.name, part) {
			continue
		}
		if ctx.Err() != nil {
			return 1
		}
		rows++
		var took time.Duration
		err := inLab(f.router, func(lab *labnet.Lab) error {
			var err error
			took, err = f.measure(ctx, lab, bin)
			return err
		})
		verdict := ""
		if err != nil || took > f.bound {
			verdict, code = "TOO LONG", 1
		}
		if err != nil {
			verdict = err.Error()
		}
		fmt.Fprintf(tw, "%s\t%s\t%.1f s\t%.0f s\t%s\n", f.name, f.until(), took.Seconds(), f.bound.Seconds(), verdict)
	}
	if rows == 0 {
		fmt.Fprintf(os.Stderr, "lab: no fault is named %q\n", part)
		return 2
	}
	return code
}

// until says what the time is measured to.
func (f fault) until() string {
	switch {
	case f.told != "":
		return "homeward says: " + f.told
	case f.inject == nil:
		return "the port is open"
	}
	return "a phone outside comes in"
}

// measure starts homeward and says how long what is to be measured took.
func (f fault) measure(ctx context.Context, lab *labnet.Lab, bin string) (took time.Duration, err error) {
	p := &patient{lab: lab, bin: bin, ctx: ctx}
	if f.prepare != nil {
		if f.prepare(p); p.err != nil {
			return 0, p.err
		}
	}
	p.start()
	defer func() {
		if n := p.visits.Load(); n > 0 {
			err = errors.Join(err, fmt.Errorf("homeward called a stranger in the LAN %d times", n))
		}
	}()
	if f.inject == nil {
		return p.await(f.bound, func() bool {
			if f.told != "" {
				return p.says(f.told)
			}
			return p.open()
		})
	}
	config, err := p.issue(f.code)
	if err != nil {
		return 0, err
	}
	defer lab.PhoneUp(config)()
	if _, err := p.await(20*time.Second, p.reached); err != nil {
		return 0, fmt.Errorf("before the fault: %w", err)
	}
	f.inject(p)
	if p.err != nil {
		return 0, p.err
	}
	if p.unharmed {
		return 0, errors.New("the fault did no harm: this measures nothing")
	}
	if f.told != "" {
		return p.await(f.bound, func() bool { return p.says(f.told) })
	}
	return p.await(f.bound, p.reached)
}
