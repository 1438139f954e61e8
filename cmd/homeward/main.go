// Command homeward is the whole appliance in one program: serve runs it, the
// other commands talk to the running one over a unix socket in its state
// directory.
//
// This package wires the rooms of the house together and owns their lives; it
// is the only place that ends the process.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "golang.org/x/crypto/x509roots/fallback" // for DNS providers and updates, where the system has no certificates: containers, old NASes

	"homeward/cmd/homeward/internal/hardening"
)

// version is set at build time from the tag.
var version = "0.1.0-dev"

// The exit codes are part of the command line's promise.
const (
	exitOK         = 0
	exitFailed     = 1 // what was asked for did not work
	exitUsage      = 2 // the command line, the file or a value is wrong
	exitNotRunning = 3 // the command needs a running homeward and there is none
)

func main() {
	code := run(untilSignal(), os.Args[1:], terminal{os.Stdin, os.Stdout, os.Stderr, os.LookupEnv, hardening.Apply, nil})
	os.Exit(code)
}

// untilSignal ends at Ctrl-C or SIGTERM.
func untilSignal() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	return ctx
}

// terminal is what a command may read and write.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
	// harden takes rights from the process for good; nil in tests, which go on.
	harden func(stateDir string, tun bool, folders ...string) []hardening.Result
	// wall is the system's clock; nil means the real one.
	wall func() time.Time
}

// run executes one command line and returns the exit code. It prints an error
// once.
func run(ctx context.Context, args []string, tty terminal) int {
	root := newRoot(tty)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(tty.err, "homeward: %v\n", err)
	var coded *codedError
	if errors.As(err, &coded) {
		return coded.code
	}
	return exitFailed
}

// codedError is an error with an exit code other than exitFailed.
type codedError struct {
	error
	code int
}

func (e *codedError) Unwrap() error { return e.error }

// usage marks err as a mistake in what the person typed.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &codedError{err, exitUsage}
}
