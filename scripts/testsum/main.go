// Command testsum runs go test, with the race detector unless told otherwise, and says
// at the end, in one plain line, how many tests passed, failed and were skipped. It prints
// the output of failed tests only, every skip with its reason, and the slowest
// tests. Without -allow-skips a skip is a failure: the full run must be full.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// event is one line of go test -json (see go doc test2json).
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

type key struct{ pkg, test string }

type tally struct {
	passed, failed, skipped int
	output                  map[key][]string
	broken                  map[string]bool // packages with a failed test
	slow                    []event
	skips                   []string
	out                     io.Writer
}

func main() {
	allowSkips := flag.Bool("allow-skips", false, "skips don't fail the run")
	short := flag.Bool("short", false, "pass -short to the tests")
	race := flag.Bool("race", true, "run with the race detector")
	only := flag.String("run", "", "pass -run to the tests")
	flag.Parse()
	args := append([]string{fmt.Sprintf("-race=%v", *race), "-run=" + *only}, flag.Args()...)
	if *short {
		args = append([]string{"-short"}, args...)
	}
	os.Exit(run(*allowSkips, args, os.Stdout))
}

// hang is when a package's tests are taken to hang. Those of whole homes with browsers
// take ten minutes where two cores have other things to do as well.
const hang = "25m"

func run(allowSkips bool, args []string, out io.Writer) int {
	cmd := exec.Command("go", append([]string{"test", "-json", "-timeout=" + hang}, args...)...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "testsum: starting go test: %v\n", err)
		return 2
	}
	t := tally{output: map[key][]string{}, broken: map[string]bool{}, out: out}
	readErr := t.read(pipe)
	waitErr := cmd.Wait()
	t.report()
	if readErr != nil {
		fmt.Fprintf(os.Stderr, "testsum: reading go test's output: %v\n", readErr)
	}
	if readErr != nil || waitErr != nil || t.failed > 0 || t.passed == 0 || t.skipped > 0 && !allowSkips {
		return 1
	}
	return 0
}

// read takes go test's events in until their end.
func (t *tally) read(r io.Reader) error {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var e event
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			fmt.Fprintln(t.out, s.Text())
			continue
		}
		t.take(e)
	}
	return s.Err()
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
	fmt.Fprintf(t.out, "\n%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
}
