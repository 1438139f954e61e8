//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"homeward/scripts/labnet"
)

// fault is something that a home does to a port on its router.
type fault struct {
	name   string
	router labnet.Options
	bound  time.Duration // until a phone outside comes in again
	inject func(*patient)
}

var (
	byUPnP = labnet.Options{NoNATPMP: true}
	byPCP  = labnet.Options{NoUPnP: true}
)

// starts are routers; what is measured is how long it takes until the port is open.
func starts() []fault {
	return []fault{
		{"UPnP IGD 2", byUPnP, 3 * time.Second, nil},
		{"UPnP IGD 1", labnet.Options{NoNATPMP: true, IGDv1: true}, 3 * time.Second, nil},
		{"PCP and NAT-PMP", byPCP, time.Second, nil},
		{"all protocols", labnet.Options{}, time.Second, nil},
	}
}

func faults() []fault {
	var list []fault
	for _, r := range []struct {
		name    string
		options labnet.Options
	}{{"UPnP", byUPnP}, {"PCP", byPCP}} {
		list = append(list,
			fault{"router restarts (" + r.name + ")", r.options, 30 * time.Second, func(p *patient) { p.restartRouter(syscall.SIGTERM, 0) }},
			fault{"router crashes, back after 5 s (" + r.name + ")", r.options, 30 * time.Second, func(p *patient) { p.restartRouter(syscall.SIGKILL, 5*time.Second) }},
			// A phone that had a session waits 15 s until it tries a new one.
			fault{"homeward is killed and started (" + r.name + ")", r.options, 20 * time.Second, (*patient).killHomeward},
			fault{"the cable is out for 5 s (" + r.name + ")", r.options, 30 * time.Second, (*patient).pullCable},
		)
	}
	return list
}

// patient is a home with a phone outside, to which something happens.
type patient struct {
	lab  *labnet.Lab
	bin  string
	hw   *labnet.Process
	ctx  context.Context
	from time.Time // when the cause was over, and recovery could begin

	unharmed bool // the phone came in while the fault lasted
}

// runFaults prints a line for each fault and fails if one took longer than it may.
func runFaults(ctx context.Context, w io.Writer) int {
	bin, err := os.MkdirTemp("", "homeward-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(bin)
	bin = filepath.Join(bin, "homeward")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "./cmd/homeward").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building homeward: %v\n%s", err, out)
		return 1
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer tw.Flush()
	fmt.Fprintln(tw, "WHAT\tUNTIL\tTOOK\tMAY TAKE\t")
	code := 0
	for _, f := range append(starts(), faults()...) {
		if ctx.Err() != nil {
			return 1
		}
		var took time.Duration
		err := inLab(f.router, func(lab *labnet.Lab) error {
			var err error
			took, err = f.measure(ctx, lab, bin)
			return err
		})
		verdict, until := "", "a phone outside comes in"
		if f.inject == nil {
			until = "the port is open"
		}
		if err != nil || took > f.bound {
			verdict, code = "TOO LONG", 1
		}
		if err != nil {
			verdict = err.Error()
		}
		fmt.Fprintf(tw, "%s\t%s\t%.1f s\t%.0f s\t%s\n", f.name, until, took.Seconds(), f.bound.Seconds(), verdict)
	}
	return code
}

// measure starts homeward and says how long what is to be measured took.
func (f fault) measure(ctx context.Context, lab *labnet.Lab, bin string) (time.Duration, error) {
	p := &patient{lab: lab, bin: bin, ctx: ctx}
	p.start()
	if f.inject == nil {
		return p.await(f.bound, func() bool { return strings.Contains(lab.RouterRuleset(), "dnat") })
	}
	config, err := p.issue()
	if err != nil {
		return 0, err
	}
	defer lab.PhoneUp(config)()
	if _, err := p.await(20*time.Second, p.reached); err != nil {
		return 0, fmt.Errorf("before the fault: %w", err)
	}
	f.inject(p)
	if p.unharmed {
		return 0, errors.New("the fault did no harm: this measures nothing")
	}
	return p.await(f.bound, p.reached)
}

// start starts homeward and the clock.
func (p *patient) start() {
	home := filepath.Join(p.lab.Dir, "home")
	p.hw = p.lab.NAS.Start(p.lab.NAS.CommandAs(context.Background(), true, home, p.bin, "serve", "--state", filepath.Join(home, "state"), "--config", os.DevNull))
	p.from = time.Now()
}

// issue adds a device, as soon as that can be done, and returns its config.
func (p *patient) issue() ([]byte, error) {
	do := func(args ...string) (string, error) {
		return p.lab.NAS.Try(p.bin, append(args, "--state", filepath.Join(p.lab.Dir, "home", "state"), "--config", os.DevNull)...)
	}
	var last error
	if _, err := p.await(20*time.Second, func() bool { _, last = do("peers", "add", "phone"); return last == nil }); err != nil {
		return nil, last
	}
	config, err := do("peers", "config", "1")
	return []byte(config), err
}

// reached tries to come in by a port of the phone's that the router has not seen:
// one that it knows stays open for a while whatever happens.
func (p *patient) reached() bool {
	port := fmt.Sprint(20000 + rand.IntN(40000))
	if _, err := p.lab.Phone.Try("wg", "set", p.lab.ID, "listen-port", port); err != nil {
		return false
	}
	_, err := p.lab.Phone.Try("ping", "-c1", "-W1", labnet.Share4)
	return err == nil
}

// await waits until done, for the bound and a good while more, and says how long
// it took since p.from.
func (p *patient) await(bound time.Duration, done func() bool) (time.Duration, error) {
	for end := p.from.Add(bound + 40*time.Second); ; {
		ok := done()
		took := time.Since(p.from)
		switch {
		case ok:
			return took, nil
		case p.ctx.Err() != nil:
			return took, p.ctx.Err()
		case time.Now().After(end):
			return took, errors.New("it never did")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// restartRouter ends the router's program, empties its firewall and its memory, and
// starts it.
func (p *patient) restartRouter(by syscall.Signal, away time.Duration) {
	p.lab.StopIGD(by)
	p.lab.ForgetMappings()
	p.unharmed = p.reached()
	time.Sleep(away)
	p.lab.StartIGD()
	p.from = time.Now()
}

func (p *patient) killHomeward() {
	p.hw.Signal(syscall.SIGKILL)
	<-p.hw.Done()
	p.unharmed = p.reached()
	p.start()
}

func (p *patient) pullCable() {
	p.lab.Router.Run("ip", "link", "set", "port10", "down")
	p.unharmed = p.reached()
	time.Sleep(5 * time.Second)
	p.lab.Router.Run("ip", "link", "set", "port10", "up")
	p.from = time.Now()
}
