// Command testsum runs go test, with the race detector unless told otherwise, and says
// at the end, in one plain line, how many tests passed, failed and were skipped. It prints
// the output of failed tests only, every skip with its reason, and the slowest
// tests. Without -allow-skips a skip is a failure: the full run must be full.
//
// Packages named by -last run after all others and one at a time: whole homes with
// browsers, whose waits would measure the neighbours otherwise. With -again a few
// failed tests are run once more, each alone, and those that pass then are named as
// unsteady; data races and panics are never forgiven.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	var s settings
	flag.BoolVar(&s.allowSkips, "allow-skips", false, "skips don't fail the run")
	flag.BoolVar(&s.again, "again", false, "run a few failed tests once more, each alone")
	short := flag.Bool("short", false, "pass -short to the tests")
	race := flag.Bool("race", true, "run with the race detector")
	only := flag.String("run", "", "pass -run to the tests")
	last := flag.String("last", "", "`folders` whose packages run at the end, one at a time, between commas")
	flag.Parse()
	s.flags = []string{fmt.Sprintf("-race=%v", *race), fmt.Sprintf("-short=%v", *short)}
	s.only, s.packages = *only, flag.Args()
	if *last != "" {
		s.last = strings.Split(*last, ",")
	}
	os.Exit(run(s, os.Stdout))
}

// settings are what the command line says.
type settings struct {
	allowSkips, again bool
	flags             []string // for go test, at each run
	only              string   // which tests; "" is all
	packages          []string // patterns, as go list has them
	last              []string // folders below the module
}

func run(s settings, out io.Writer) int {
	t := newTally(out)
	beside, alone, err := s.order()
	if err == nil && len(beside) > 0 {
		err = t.goTest(s.flags, s.only, beside)
	}
	if err == nil && len(alone) > 0 {
		err = t.goTest(append([]string{"-p=1"}, s.flags...), s.only, alone)
	}
	if err == nil && s.again {
		err = t.tryAgain(s.flags)
	}
	t.report()
	if err != nil {
		fmt.Fprintf(os.Stderr, "testsum: %v\n", err)
		return 2
	}
	if t.failed > 0 || t.passed == 0 || t.skipped > 0 && !s.allowSkips {
		return 1
	}
	return 0
}

// order tells the packages that run beside each other from those that run alone, at the end.
func (s settings) order() (beside, alone []string, err error) {
	if len(s.last) == 0 {
		return s.packages, nil, nil
	}
	list, err := exec.Command("go", append([]string{"list", "-f", "{{.ImportPath}} {{.Module.Path}}"}, s.packages...)...).Output()
	if err != nil {
		return nil, nil, fmt.Errorf("listing the packages %q: %w", s.packages, err)
	}
	for line := range strings.Lines(string(list)) {
		pkg, module, _ := strings.Cut(strings.TrimSpace(line), " ")
		if slices.Contains(s.last, strings.TrimPrefix(pkg, module+"/")) {
			alone = append(alone, pkg)
		} else {
			beside = append(beside, pkg)
		}
	}
	if len(alone) < len(s.last) {
		return nil, nil, fmt.Errorf("of the last ones, %q, there are only %q: was a folder renamed?", s.last, alone)
	}
	return beside, alone, nil
}
