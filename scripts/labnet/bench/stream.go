//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// iperfPort is where iperf3 listens at home.
const iperfPort = "5201"

// arrived is what iperf3's receiver says.
type arrived struct {
	Bytes   float64 `json:"bytes"`
	Rate    float64 `json:"bits_per_second"`
	Lost    float64 `json:"lost_packets"`
	Packets float64 `json:"packets"`
}

// iperfTries is how often iperf3 is begun anew. Its server refuses whoever comes
// while it still tidies up after the client before.
const iperfTries = 10

// iperf runs iperf3 on the client for so long.
func (w *world) iperf(d time.Duration, args ...string) (got arrived, err error) {
	for range iperfTries {
		if got, err = w.iperfOnce(d, args...); !errors.As(err, new(iperfError)) {
			return got, err
		}
		time.Sleep(300 * time.Millisecond)
	}
	return got, err
}

func (w *world) iperfOnce(d time.Duration, args ...string) (arrived, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d+20*time.Second)
	defer cancel()
	seconds := strconv.Itoa(int(d.Seconds()))
	out, err := w.client.Command(ctx, "iperf3", append([]string{"-J", "-c", w.target, "-t", seconds}, args...)...).Output()
	if said := readError(out); said != nil {
		return arrived{}, said
	}
	if err != nil {
		return arrived{}, fmt.Errorf("iperf3: %w: %s", err, out)
	}
	return readArrived(out)
}

// iperfError is what iperf3 says of itself. It may end with 0 nevertheless, and
// a result without any bytes.
type iperfError string

func (e iperfError) Error() string { return "iperf3: " + string(e) }

// readError returns the error in what iperf3 has printed, or nil.
func readError(out []byte) error {
	var result struct {
		Error iperfError `json:"error"`
	}
	if json.Unmarshal(out, &result) == nil && result.Error != "" {
		return result.Error
	}
	return nil
}

func readArrived(out []byte) (arrived, error) {
	var result struct {
		End struct {
			Received *arrived `json:"sum_received"`
		} `json:"end"`
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return arrived{}, fmt.Errorf("reading iperf3's result: %w", err)
	}
	if result.End.Received == nil {
		return arrived{}, fmt.Errorf("iperf3 has no result: %s", out)
	}
	return *result.End.Received, nil
}

// stream sends TCP by iperf3; down means from home to the client.
func stream(name string, count int, down bool) func(*world, *server, *row) error {
	args := []string{"-P", strconv.Itoa(count)}
	if down {
		args = append(args, "-R")
	}
	return func(w *world, s *server, r *row) error {
		return s.peakOf(r, name, func() error { return w.costly(s, r, name, args...) })
	}
}

// flood sends more UDP than anything takes.
func flood(w *world, s *server, r *row) error {
	return s.peakOf(r, "udp", func() error { return w.costly(s, r, "udp", datagrams("0")...) })
}

// datagrams are iperf3's flags for UDP at a rate; 0 means as fast as it can.
func datagrams(rate string) []string { return []string{"-u", "-l", "1200", "-b", rate} }

// costly measures the rate that arrives, and the server's time for it.
func (w *world) costly(s *server, r *row, name string, args ...string) error {
	before, err := s.cpuTime()
	if err != nil {
		return err
	}
	end := s.profile(w.s.profiles, r.name+" "+name)
	got, err := w.iperf(w.s.duration, args...)
	if err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	r.add(name+" Gb/s", got.Rate/1e9)
	after, err := s.cpuTime()
	if s.process != nil && got.Bytes > 0 {
		r.add(name+" s/GB", (after-before).Seconds()/(got.Bytes/1e9))
	}
	return err
}
