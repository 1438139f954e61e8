package lifetime

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// diary notes what happens, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, s)
}

func (d *diary) part(name string, ready chan struct{}) Part {
	return Part{Name: name, Ready: ready, Run: func(ctx context.Context) error {
		d.note("start " + name)
		if ready != nil {
			close(ready)
		}
		<-ctx.Done()
		d.note("stop " + name)
		return nil
	}}
}

func TestPartsStartInOrderAndStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- Run(ctx, time.Second, d.part("device", make(chan struct{})), d.part("router", make(chan struct{})), d.part("page", make(chan struct{})))
		}()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := []string{"start device", "start router", "start page", "stop page", "stop router", "stop device"}
		if !slices.Equal(d.lines, want) {
			t.Errorf("order = %q, want %q", d.lines, want)
		}
	})
}

func TestAFailingPartStopsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		boom := errors.New("boom")
		err := Run(t.Context(), time.Second, d.part("device", make(chan struct{})), Part{Name: "page", Run: func(context.Context) error { return boom }})
		if !errors.Is(err, boom) || !slices.Contains(d.lines, "stop device") {
			t.Errorf("error = %v, diary = %q", err, d.lines)
		}
	})
}

func TestAPartThatFailsBeforeItIsReadyKeepsTheNextFromStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		boom := errors.New("boom")
		never := make(chan struct{})
		err := Run(t.Context(), time.Second, Part{Name: "device", Ready: never, Run: func(context.Context) error { return boom }}, d.part("page", nil))
		if !errors.Is(err, boom) || len(d.lines) != 0 {
			t.Errorf("error = %v, diary = %q", err, d.lines)
		}
	})
}

func TestAnUnaskedEndIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := Run(t.Context(), time.Second, Part{Name: "page", Run: func(context.Context) error { return nil }})
		if err == nil || !strings.Contains(err.Error(), "page") {
			t.Errorf("error = %v, want one that names the page", err)
		}
	})
}

func TestAHangingPartIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		defer close(release)
		done := make(chan error)
		go func() {
			done <- Run(ctx, time.Second, Part{Name: "page", Run: func(context.Context) error { <-release; return nil }})
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, ErrHangs) || !strings.Contains(err.Error(), "page") {
			t.Errorf("error = %v, want ErrHangs and the page named", err)
		}
	})
}
