//go:build linux

package main

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// connectionRate measures how many connections a second the server takes.
func connectionRate(w *world, s *server, r *row) error {
	return s.peakOf(r, "conn", func() error {
		before, err := s.cpuTime()
		if err != nil {
			return err
		}
		end := s.profile(w.s.profiles, r.name+" conn")
		rate, err := w.own("conn", net.JoinHostPort(w.target, echoPort), w.s.duration)
		if err != nil {
			return err
		}
		if err := end(); err != nil {
			return err
		}
		r.add("conn/s", rate)
		after, err := s.cpuTime()
		if s.process != nil && rate > 0 {
			r.add("conn µs each", float64((after-before).Microseconds())/(rate*w.s.duration.Seconds()))
		}
		return err
	})
}

// connections is how many TCP connections a second can be opened, used once
// and closed.
func connections(at string, d time.Duration) (float64, error) {
	const workers = 16
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	began := time.Now()
	for range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := connectOnce(at); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(began).Seconds(), nil
}

func connectOnce(at string) error {
	c, err := net.DialTimeout("tcp", at, 5*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	b := []byte("hello")
	if _, err := c.Write(b); err != nil {
		return err
	}
	_, err = io.ReadFull(c, b)
	return err
}
