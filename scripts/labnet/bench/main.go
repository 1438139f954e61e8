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
	"slices"
	"strings"
	"time"

	"homeward/scripts/labnet"
)

const help = `usage: scripts/bench [flags]

Joins a client, a server and a host at home by cables between network
namespaces, and sends loads through each kind of server in turns:

  kernel     the kernel's forwarding and NAT, without a VPN
  R          the reference: the unchanged wireguard-go module, kernel forwarding
  tun        homeward with a TUN device
  netstack   homeward without rights

Prints medians (and the least to the greatest) over the rounds. All of it runs
on this one machine, so that only ratios to R within one run say something.
Needs root, iperf3 and nftables; nothing leaves the machine.

`

// settings are what the command line says.
type settings struct {
	rounds   int
	duration time.Duration
	servers  []string
	loads    []string
	ipv6     bool
	profiles string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == loadCommand {
		exit(runLoad(os.Args[2:]))
		return
	}
	flag.Usage = func() { fmt.Fprint(os.Stderr, help); flag.PrintDefaults() }
	var s settings
	flag.IntVar(&s.rounds, "rounds", 3, "how often everything is measured")
	flag.DurationVar(&s.duration, "time", 3*time.Second, "how long each load runs")
	servers := flag.String("servers", strings.Join(allServers, ","), "which `servers`")
	loads := flag.String("loads", strings.Join(loadNames(), ","), "which `loads`")
	flag.BoolVar(&s.ipv6, "6", false, "IPv6, inside and outside")
	flag.StringVar(&s.profiles, "profiles", "", "a `folder` for CPU and heap profiles of homeward")
	flag.Parse()
	s.servers, s.loads = strings.Split(*servers, ","), strings.Split(*loads, ",")
	exit(s.run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func (s *settings) run() error {
	for _, n := range s.servers {
		if !slices.Contains(allServers, n) {
			return fmt.Errorf("there is no server %q: see --help", n)
		}
	}
	for _, n := range s.loads {
		if !slices.Contains(loadNames(), n) {
			return fmt.Errorf("there is no load %q, only %s", n, strings.Join(loadNames(), ", "))
		}
	}
	if s.rounds < 1 || s.duration < time.Second || s.duration%time.Second != 0 || flag.NArg() > 0 {
		return errors.New("at least one round of whole seconds, and no other words: see --help")
	}
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
	for range s.rounds {
		for _, name := range s.servers {
			err := labnet.Outside(func(lt labnet.T) error {
				w := newWorld(lt, s, programs)
				p := w.startServer(name)
				for _, l := range loads() {
					if slices.Contains(s.loads, l.name) {
						if err := l.run(w, p, t.of(name)); err != nil {
							return fmt.Errorf("%s: %s: %w", name, l.name, err)
						}
					}
				}
				return p.finish(t.of(name))
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
