//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
)

// junkRate is how many packets a second strangers send.
const junkRate = 50_000

// junk sends what is no session's to the server's port, and measures the
// server's memory meanwhile, and whether it still carries the client's packets.
func junk(w *world, s *server, r *row) error {
	if s.process == nil {
		return nil
	}
	at := net.JoinHostPort(w.outside, strconv.Itoa(port))
	return s.peakOf(r, "junk", func() error {
		before, err := s.cpuTime()
		if err != nil {
			return err
		}
		var sent float64
		beside := func() (err error) {
			sent, err = w.own("junk", at, w.s.duration)
			return err
		}
		rtt, err := w.ownBeside(beside, "rtt")
		if err != nil {
			return err
		}
		after, err := s.cpuTime()
		r.add("junk packets/s", sent)
		r.add("junk rtt µs", rtt)
		if sent > 0 {
			r.add("junk µs/packet", float64((after-before).Microseconds())/(sent*w.s.duration.Seconds()))
		}
		return err
	})
}

// burst is how many packets leave at one go.
const burst = 64

// sendJunk sends junkRate packets a second, or as many as it can, and returns
// how many they were.
func sendJunk(at string, d time.Duration) (float64, error) {
	c, err := net.Dial("udp", at)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	batch := ipv4.NewPacketConn(c.(*net.UDPConn)) // the same call for IPv6
	messages := make([]ipv4.Message, burst)
	began, sent := time.Now(), 0
	for time.Since(began) < d {
		time.Sleep(time.Until(began.Add(time.Duration(sent) * time.Second / junkRate)))
		for i := range messages {
			messages[i] = ipv4.Message{Buffers: [][]byte{junkPacket(sent + i)}}
		}
		n, err := batch.WriteBatch(messages, 0)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return 0, fmt.Errorf("nobody listens at %s: %w", at, err)
		}
		sent += max(n, 1)
	}
	return float64(sent) / time.Since(began).Seconds(), nil
}

// junkPacket is the n-th packet: noise, or a message of WireGuard's for somebody else.
func junkPacket(n int) []byte {
	kind, size := n%4, 0
	switch kind {
	case 0: // noise
		kind, size = 0xff, 20+rand.IntN(1400)
	case 1: // an initiation
		size = 148
	case 2: // a response
		size = 92
	case 3: // data
		kind, size = 4, 32+16*rand.IntN(80)
	}
	b := make([]byte, size)
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rand.Uint64())
	}
	binary.LittleEndian.PutUint32(b, uint32(kind))
	return b
}
