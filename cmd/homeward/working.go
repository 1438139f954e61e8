package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// wonderAfter is how long people wait without a word before they wonder.
const wonderAfter = time.Second

// working runs long work, and tells a person at a terminal about it.
func (t terminal) working(what string, work func() error) error {
	if f, ok := t.err.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return work() // a log or a script has no use for dots
	}
	return working(t.err, what, work)
}

// working runs long work, and says what is being done when it takes longer than a
// second: once at first and then a dot every five seconds, so that a slow box is not
// taken for one that hangs. w gets nothing from quick work, and is written to by
// nobody any more when working returns.
func working(w io.Writer, what string, work func() error) error {
	over := make(chan struct{})
	var told sync.WaitGroup
	told.Go(func() {
		timer := time.NewTimer(wonderAfter)
		defer timer.Stop()
		for said := false; ; said = true {
			select {
			case <-over:
				if said {
					fmt.Fprintln(w)
				}
				return
			case <-timer.C:
				if !said {
					fmt.Fprint(w, what, "…")
				} else {
					fmt.Fprint(w, ".")
				}
				timer.Reset(5 * wonderAfter)
			}
		}
	})
	err := work()
	close(over)
	told.Wait()
	return err
}
