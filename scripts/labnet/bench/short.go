//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// loadCommand makes this program a client that runs one load and prints one number.
const loadCommand = "load"

const echoPort = "7"

// serveEchoes answers each datagram, and one message on each TCP connection.
func (w *world) serveEchoes() {
	at := net.JoinHostPort(w.target, echoPort)
	w.home.Serve(at, func(c net.Conn) {
		b := make([]byte, 64)
		if n, err := c.Read(b); err == nil {
			c.Write(b[:n])
		}
	})
	p, err := w.home.ListenPacket("udp", at)
	if err != nil {
		w.t.Fatal(err)
	}
	go func() { // until the end of the round closes it
		b := make([]byte, 2048)
		for {
			n, from, err := p.ReadFrom(b)
			if err != nil {
				return
			}
			p.WriteTo(b[:n], from)
		}
	}()
}

func runLoad(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: bench load rtt|conn ADDRESS DURATION")
	}
	d, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	at, err := netip.ParseAddrPort(args[1])
	if err != nil {
		return err
	}
	var v float64
	if args[0] == "rtt" {
		v, err = roundTrip(at.String(), d)
	} else {
		v, err = connections(at.String(), d)
	}
	if err == nil {
		fmt.Print(v)
	}
	return err
}

// roundTrip is the median of datagrams that are answered, in µs.
func roundTrip(at string, d time.Duration) (float64, error) {
	c, err := net.Dial("udp", at)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	b := make([]byte, 64)
	var took []time.Duration
	for began := time.Now(); time.Since(began) < d; time.Sleep(2 * time.Millisecond) {
		sent := time.Now()
		c.SetDeadline(sent.Add(time.Second))
		if _, err := c.Write(b); err != nil {
			return 0, err
		}
		if _, err := c.Read(b); err != nil {
			return 0, fmt.Errorf("waiting for an answer: %w", err)
		}
		took = append(took, time.Since(sent))
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Nanoseconds()) / 1e3, nil
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
