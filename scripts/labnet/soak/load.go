//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"homeward/scripts/labnet"
)

// load is what happens to homeward meanwhile.
type load struct {
	box                                      *box
	phone                                    *roamer
	loaded, failed, changes, moves, restarts atomic.Int64

	mu    sync.Mutex // guards what follows
	wrong error      // the first change of a device, or move of the phone, that went wrong
}

// The pace: a weak machine must not be what is measured.
const (
	loadEvery   = 200 * time.Millisecond
	changeEvery = 3 * time.Second
	routerAway  = 3 * time.Second
	fileSize    = 256 << 10
)

// file is what the share hands out.
type file struct{}

func (file) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, fileSize)) }

// run starts everything; the channel is closed when all has ended after ctx.
func (l *load) run(ctx context.Context, p plan) <-chan struct{} {
	var wg sync.WaitGroup
	wg.Go(func() { repeat(ctx, loadEvery, l.fetch) })
	wg.Go(func() { repeat(ctx, changeEvery, l.changeDevices) })
	wg.Go(func() { repeat(ctx, p.roam, l.movePhone) })
	wg.Go(func() { repeat(ctx, p.restart, l.restartRouter) })
	ended := make(chan struct{})
	go func() {
		wg.Wait()
		close(ended)
	}()
	return ended
}

func repeat(ctx context.Context, every time.Duration, do func(context.Context)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do(ctx)
		}
	}
}

// fetch loads the file through the tunnel, by a connection of its own each time.
func (l *load) fetch(ctx context.Context) {
	bound, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := l.box.lab.Phone.HTTPClient()
	defer client.CloseIdleConnections()
	err := func() error {
		req, err := http.NewRequestWithContext(bound, http.MethodGet, "http://"+labnet.Share4+"/", nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		if err == nil && n != fileSize {
			err = io.ErrUnexpectedEOF
		}
		return err
	}()
	switch {
	case err == nil:
		l.loaded.Add(1)
	case ctx.Err() == nil:
		l.failed.Add(1)
	}
}

// changeDevices takes a device through its life.
func (l *load) changeDevices(ctx context.Context) {
	name := fmt.Sprintf("guest %d", l.changes.Load())
	for _, args := range [][]string{
		{"peers", "add", name}, {"peers", "access", name, "internet"}, {"peers", "disable", name},
		{"peers", "enable", name}, {"peers", "rotate", name}, {"peers", "remove", name},
	} {
		if _, err := l.box.do(args...); err != nil && ctx.Err() == nil {
			l.wentWrong(fmt.Errorf("changing a device: %w", err))
		}
		l.changes.Add(1)
	}
}

// movePhone takes the phone to another place.
func (l *load) movePhone(ctx context.Context) {
	if err := l.phone.move(ctx); err != nil && ctx.Err() == nil {
		l.wentWrong(err)
	}
	l.moves.Add(1)
}

// restartRouter takes the router's program and its memory away for a while.
func (l *load) restartRouter(ctx context.Context) {
	l.box.lab.StopIGD(syscall.SIGTERM)
	l.box.lab.ForgetMappings()
	select {
	case <-ctx.Done():
	case <-time.After(routerAway):
	}
	l.box.lab.StartIGD()
	l.restarts.Add(1)
}

func (l *load) wentWrong(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wrong == nil {
		l.wrong = err
	}
}

// trouble is what went wrong first, of all that must not.
func (l *load) trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wrong
}
