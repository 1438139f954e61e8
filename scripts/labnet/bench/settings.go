//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// settings are what the command line says.
type settings struct {
	rounds   int
	duration time.Duration
	within   time.Duration
	servers  []string
	loads    []string
	families []bool            // IPv6 or not
	beside   map[string]string // other builds of homeward by the names that they have here
	profiles string
}

func (s *settings) wants(l load) bool { return slices.Contains(s.loads, l.name) }

// families are what -ip can be.
var families = map[string][]bool{"4": {false}, "6": {true}, "both": {false, true}}

// What -quick measures: about a minute.
const (
	quickServers = "R,tun,netstack"
	quickLoads   = "rtt,down1,up1,down4,up4,conn"
)

func parse(args []string) (*settings, error) {
	var s settings
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.Usage = func() { usage(f) }
	f.IntVar(&s.rounds, "rounds", 3, "how often everything is measured")
	f.DurationVar(&s.duration, "time", 3*time.Second, "how long each load runs")
	f.DurationVar(&s.within, "within", 45*time.Minute, "after this `time` no other round begins")
	servers := f.String("servers", strings.Join(allServers, ","), "which `servers`")
	loads := f.String("loads", strings.Join(loadNames(), ","), "which `loads`")
	ip := f.String("ip", "4", "4, 6 or both: the `family` inside and outside; both in turns, with the ratio of the two")
	quick := f.Bool("quick", false, "one round of one second, of "+quickServers+" and "+quickLoads+", as far as nothing else is said")
	f.Func("beside", "another build of homeward, as `NAME=FILE`: its servers are tun@NAME and netstack@NAME (may be said again)", s.addBeside)
	f.StringVar(&s.profiles, "profiles", "", "a `folder` for CPU and heap profiles of homeward")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	said := map[string]bool{}
	f.Visit(func(f *flag.Flag) { said[f.Name] = true })
	unless := func(flag string, set func()) {
		if *quick && !said[flag] {
			set()
		}
	}
	unless("rounds", func() { s.rounds = 1 })
	unless("time", func() { s.duration = time.Second })
	unless("servers", func() { *servers = quickServers })
	unless("loads", func() { *loads = quickLoads })
	s.servers, s.loads, s.families = strings.Split(*servers, ","), strings.Split(*loads, ","), families[*ip]
	if f.NArg() > 0 {
		return nil, fmt.Errorf("%q: there are only flags: see --help", f.Arg(0))
	}
	return &s, s.check()
}

func (s *settings) addBeside(text string) error {
	name, file, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return errors.New("it has no name: write NAME=FILE")
	}
	if s.beside == nil {
		s.beside = map[string]string{}
	}
	s.beside[name] = file
	return nil
}

func (s *settings) check() error {
	for _, n := range s.servers {
		kind, other, beside := strings.Cut(n, "@")
		if !slices.Contains(allServers, kind) || beside && (s.beside[other] == "" || !isHomeward(kind)) {
			return fmt.Errorf("there is no server %q: see --help", n)
		}
	}
	for _, n := range s.loads {
		if !slices.Contains(loadNames(), n) {
			return fmt.Errorf("there is no load %q, only %s", n, strings.Join(loadNames(), ", "))
		}
	}
	switch {
	case s.rounds < 1:
		return errors.New("-rounds: at least one")
	case s.duration < time.Second || s.duration%time.Second != 0:
		return fmt.Errorf("-time %v: whole seconds, at least one", s.duration)
	case s.families == nil:
		return errors.New("-ip: only 4, 6 or both")
	}
	return nil
}

const help = `usage: scripts/bench [flags]

Joins a client, a server and a host at home by cables between network
namespaces, and sends loads through each kind of server in turns:

  kernel     the kernel's forwarding and NAT, without a VPN
  R          the reference: the unchanged wireguard-go module, kernel forwarding
  naive      the module's own rootless network stack, with plain copies
  tun        homeward with a TUN device
  netstack   homeward without rights
  tun@NAME, netstack@NAME
             another build of it (-beside), as before and after a change

Prints medians (and the least to the greatest) over the rounds. All of it runs
on this one machine, so that only ratios to R within one run say something.
Needs root, iperf3 and nftables; nothing leaves the machine. All of it takes
half an hour; each load is bounded by its time and twenty seconds.

The loads, in the order in which they run:

`

func usage(f *flag.FlagSet) {
	fmt.Fprint(os.Stderr, help)
	tw := tabwriter.NewWriter(os.Stderr, 0, 0, 3, ' ', 0)
	for _, l := range loads() {
		fmt.Fprintf(tw, "  %s\t%s\n", l.name, l.about)
	}
	tw.Flush()
	fmt.Fprint(os.Stderr, `
Gb/s is what arrives, s/GB the server's processor time for it, peak MiB its
greatest memory during the load, or of all loads.

`)
	f.PrintDefaults()
}
