package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// hang is when a package's tests are taken to hang. Those of whole homes with browsers
// take ten minutes where two cores have other things to do as well.
const hang = "25m"

// event is one line of go test -json (see go doc test2json).
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// goTest runs go test and takes in what it says. That tests failed is in the tally,
// and is no error.
func (t *tally) goTest(flags []string, only string, packages []string) error {
	args := append([]string{"test", "-json", "-timeout=" + hang, "-run=" + only}, flags...)
	cmd := exec.Command("go", append(args, packages...)...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("starting go test: %w", err)
	}
	before := t.failed
	readErr := t.read(pipe)
	err = cmd.Wait()
	if readErr != nil {
		return fmt.Errorf("reading go test's output: %w", readErr)
	}
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && t.failed > before) {
		return fmt.Errorf("go test failed, and no test did: %w", err)
	}
	return nil
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
