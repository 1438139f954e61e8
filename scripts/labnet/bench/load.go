//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// load is one thing to send through a server.
type load struct {
	name string
	run  func(*world, *server, *row) error
}

func loads() []load {
	return []load{
		{"idle", func(_ *world, s *server, r *row) error { return s.rest(r) }},
		{"rtt", short("rtt µs", "rtt")},
		{"down1", stream("down 1", 1, true)},
		{"up1", stream("up 1", 1, false)},
		{"down4", stream("down 4", 4, true)},
		{"up4", stream("up 4", 4, false)},
		{"udp", datagrams},
		{"conn", short("conn/s", "conn")},
	}
}

func loadNames() []string {
	var names []string
	for _, l := range loads() {
		names = append(names, l.name)
	}
	return names
}

// stream sends TCP by iperf3; down means from home to the client.
func stream(name string, count int, down bool) func(*world, *server, *row) error {
	args := []string{"-P", strconv.Itoa(count)}
	if down {
		args = append(args, "-R")
	}
	return func(w *world, s *server, r *row) error {
		rate, err := w.iperf(s, r, name, args...)
		r.add(name+" Gb/s", rate)
		return err
	}
}

// datagrams sends more UDP than anything takes, and counts what arrives.
func datagrams(w *world, s *server, r *row) error {
	rate, err := w.iperf(s, r, "udp", "-u", "-l", "1200", "-b", "0")
	r.add("udp up Gb/s", rate)
	return err
}

// iperf runs iperf3 and returns what arrived, in Gb/s.
func (w *world) iperf(s *server, r *row, name string, args ...string) (float64, error) {
	var before time.Duration
	if s.process != nil {
		var err error
		if before, err = cpuTime(s.process.PID()); err != nil {
			return 0, err
		}
	}
	end := s.profile(w.s.profiles, r.name+" "+name)
	ctx, cancel := context.WithTimeout(context.Background(), w.s.duration+20*time.Second)
	defer cancel()
	seconds := strconv.Itoa(int(w.s.duration.Seconds()))
	out, err := w.client.Command(ctx, "iperf3", append([]string{"-J", "-c", w.target, "-t", seconds}, args...)...).Output()
	if err != nil {
		return 0, fmt.Errorf("iperf3: %w: %s", err, out)
	}
	if err := end(); err != nil {
		return 0, err
	}
	var result struct {
		End struct {
			Received struct {
				Bytes float64 `json:"bytes"`
				Rate  float64 `json:"bits_per_second"`
			} `json:"sum_received"`
		} `json:"end"`
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return 0, fmt.Errorf("reading iperf3's result: %w", err)
	}
	got := result.End.Received
	if s.process != nil && got.Bytes > 0 {
		after, err := cpuTime(s.process.PID())
		if err != nil {
			return 0, err
		}
		r.add(name+" s/GB", (after-before).Seconds()/(got.Bytes/1e9))
	}
	return got.Rate / 1e9, nil
}

// short runs one of this program's own loads on the client.
func short(column, kind string) func(*world, *server, *row) error {
	return func(w *world, s *server, r *row) error {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		end := s.profile(w.s.profiles, r.name+" "+kind)
		out, err := w.client.Try(self, loadCommand, kind, net.JoinHostPort(w.target, echoPort), w.s.duration.String())
		if err != nil {
			return err
		}
		if err := end(); err != nil {
			return err
		}
		v, err := strconv.ParseFloat(out, 64)
		r.add(column, v)
		return err
	}
}
