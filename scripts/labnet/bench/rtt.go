//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"
)

// roundTrips measures the round trip through an idle server.
func roundTrips(w *world, s *server, r *row) error {
	end := s.profile(w.s.profiles, r.name+" rtt")
	v, err := w.own("rtt", net.JoinHostPort(w.target, echoPort), w.s.duration)
	if err != nil {
		return err
	}
	r.add("rtt µs", v)
	return end()
}

// roundTripsUnderLoad measures it beside a stream.
func roundTripsUnderLoad(w *world, _ *server, r *row) error {
	v, err := w.ownBeside(func() error {
		_, err := w.iperf(w.s.duration, "-R")
		return err
	}, "rtt")
	r.add("rtt under load µs", v)
	return err
}

// lost is what a datagram without an answer counts as.
const lost = time.Second

// roundTrip is the median of datagrams that are answered, in µs.
func roundTrip(at string, d time.Duration) (float64, error) {
	c, err := net.Dial("udp", at)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	var took []time.Duration
	for began := time.Now(); time.Since(began) < d; time.Sleep(2 * time.Millisecond) {
		t, err := ask(c, uint64(len(took)))
		if err != nil {
			return 0, err
		}
		took = append(took, t)
	}
	slices.Sort(took)
	return float64(took[len(took)/2].Nanoseconds()) / 1e3, nil
}

// ask sends one datagram and waits for its answer.
func ask(c net.Conn, number uint64) (time.Duration, error) {
	var b [64]byte
	binary.LittleEndian.PutUint64(b[:], number)
	sent := time.Now()
	if err := c.SetDeadline(sent.Add(lost)); err != nil {
		return 0, err
	}
	if _, err := c.Write(b[:]); err != nil {
		return 0, err
	}
	for {
		_, err := c.Read(b[:])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return lost, nil
		case err != nil:
			return 0, fmt.Errorf("waiting for an answer: %w", err)
		case binary.LittleEndian.Uint64(b[:]) == number: // not a late one
			return time.Since(sent), nil
		}
	}
}
