//go:build linux

// Command bench measures how fast homeward's data planes are, and what they
// cost, next to a minimal program around the same WireGuard module. It needs
// root; everything is in network namespaces.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"homeward/scripts/labnet"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == loadCommand {
		exit(runLoad(os.Args[2:]))
		return
	}
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = s.run()
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func (s *settings) run() error {
	var t table
	if err := labnet.Outside(func(lt labnet.T) error { return s.measure(lt, &t) }); err != nil {
		return err
	}
	t.print(os.Stdout, s)
	return nil
}

// measure takes the servers in turns, so that what else happens on the machine
// hits all of them.
func (s *settings) measure(lt labnet.T, t *table) error {
	programs, err := build(lt, s.profiles != "")
	if err != nil {
		return err
	}
	end := time.Now().Add(s.within)
	for round := range s.rounds {
		if round > 0 && time.Now().After(end) {
			lt.Logf("bench: %v are over after %d of %d rounds", s.within, round, s.rounds)
			break
		}
		for _, name := range s.servers {
			for _, ipv6 := range s.families {
				if err := s.turn(programs, name, ipv6, t.of(name, ipv6)); err != nil {
					return fmt.Errorf("%s: %w", rowName(name, ipv6), err)
				}
			}
		}
	}
	return nil
}

// turn sends all loads through one server in a world of its own.
func (s *settings) turn(p programs, name string, ipv6 bool, r *row) error {
	return labnet.Outside(func(lt labnet.T) error {
		w := newWorld(lt, s, p, ipv6)
		srv := w.startServer(name)
		for _, l := range loads() {
			if !s.wants(l) {
				continue
			}
			if err := l.run(w, srv, r); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
		}
		srv.finish(r)
		return nil
	})
}
