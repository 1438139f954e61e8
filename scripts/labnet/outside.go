//go:build linux

package labnet

import (
	"errors"
	"fmt"
	"os"
	"slices"
)

// errGaveUp is how Fatal ends the work, to be recovered where it began.
var errGaveUp = errors.New("gave up")

// Outside does something with labs outside of a test. What do leaves behind is
// undone at its end; what it logs goes to the standard error.
func Outside(do func(T) error) (err error) {
	k := &workbench{}
	defer func() {
		gaveUp := recover()
		k.clean()
		if gaveUp != nil && gaveUp != errGaveUp {
			panic(gaveUp)
		}
		if k.failed {
			err = errors.Join(err, errGaveUp)
		}
	}()
	return do(k)
}

// workbench is to the lab what a test is: it remembers what has to be undone.
type workbench struct {
	undo   []func()
	failed bool
}

// clean undoes everything, the latest first.
func (k *workbench) clean() {
	for _, f := range slices.Backward(k.undo) {
		f()
	}
	k.undo = nil
}

// The methods that follow implement T.

func (k *workbench) Helper()          {}
func (k *workbench) Cleanup(f func()) { k.undo = append(k.undo, f) }
func (k *workbench) Failed() bool     { return k.failed }

func (k *workbench) Log(args ...any)                 { fmt.Fprintln(os.Stderr, args...) }
func (k *workbench) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (k *workbench) Errorf(format string, args ...any) {
	k.failed = true
	k.Logf(format, args...)
}

func (k *workbench) Fatal(args ...any) {
	k.failed = true
	k.Log(args...)
	panic(errGaveUp)
}

func (k *workbench) Fatalf(format string, args ...any) { k.Fatal(fmt.Sprintf(format, args...)) }
func (k *workbench) Skip(args ...any)                  { k.Fatal(args...) }
func (k *workbench) Skipf(format string, args ...any)  { k.Fatalf(format, args...) }
