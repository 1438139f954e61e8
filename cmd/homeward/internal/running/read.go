package running

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// turns are the interfaces that are being asked.
type turns struct {
	mu    sync.Mutex // guards asked
	asked map[string]bool
}

// take is false while somebody still waits for the same interface.
func (t *turns) take(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.asked[name] {
		return false
	}
	if t.asked == nil {
		t.asked = map[string]bool{}
	}
	t.asked[name] = true
	return true
}

func (t *turns) give(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.asked, name)
}

// read asks an interface, and waits a bounded time. The library has no deadline for a
// program that was stopped or hangs: its answer is waited for aside, by one goroutine
// for an interface at most, which ends when the program answers or ends.
func (m *Machine) read(ctx context.Context, name string) (*wgtypes.Device, error) {
	ctx, cancel := context.WithTimeout(ctx, m.waits)
	defer cancel()
	if !m.turns.take(name) {
		return nil, ErrSilent
	}
	type answer struct {
		d   *wgtypes.Device
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		defer m.turns.give(name)
		d, err := m.ask(name)
		answered <- answer{d, err}
	}()
	select {
	case a := <-answered:
		return a.d, why(name, a.err)
	case <-ctx.Done():
		return nil, ErrSilent
	}
}

// why makes an error of the library one that people may be told: what a program answers
// that speaks wrongly would be in it as it is, and that may be a key.
func why(name string, err error) error {
	var code syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return ErrNone
	case errors.Is(err, fs.ErrPermission):
		return ErrNotAllowed
	case errors.Is(err, errors.ErrUnsupported):
		return err
	case errors.As(err, &code):
		return fmt.Errorf("reading the interface %s: %w", name, code)
	}
	return fmt.Errorf("reading the interface %s: its answer is not understood", name)
}
