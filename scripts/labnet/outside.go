//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
)

// errGaveUp is how Fatal ends the work, to be recovered where it began.
var errGaveUp = errors.New("gave up")

// keeper is to the lab what a test is: it remembers what has to be undone.
type keeper struct {
	undo   []func()
	failed bool
}

// clean undoes everything, the latest first.
func (k *keeper) clean() {
	for _, f := range slices.Backward(k.undo) {
		f()
	}
	k.undo = nil
}

// The methods that follow implement labnet.T.

func (k *keeper) Helper()          {}
func (k *keeper) Cleanup(f func()) { k.undo = append(k.undo, f) }
func (k *keeper) Failed() bool     { return k.failed }

func (k *keeper) Log(args ...any)                 { fmt.Fprintln(os.Stderr, args...) }
func (k *keeper) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (k *keeper) Errorf(format string, args ...any) {
	k.failed = true
	k.Logf(format, args...)
}

func (k *keeper) Fatal(args ...any) {
	k.failed = true
	k.Log(args...)
	panic(errGaveUp)
}

func (k *keeper) Fatalf(format string, args ...any) { k.Fatal(fmt.Sprintf(format, args...)) }
func (k *keeper) Skip(args ...any)                  { k.Fatal(args...) }
func (k *keeper) Skipf(format string, args ...any)  { k.Fatalf(format, args...) }
