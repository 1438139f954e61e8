//go:build linux

// Command soak runs homeward in the lab for an hour, or as long as it is told,
// while a phone outside loads files and roams, devices come and go and the router
// restarts. It prints what the process holds as a table and fails when
// something has grown at the end. It needs root; nothing leaves the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"homeward/scripts/labnet"
)

const help = `usage: scripts/soak [flags]

Runs homeward in the lab under load, prints a line of figures now and then, and
fails when memory, goroutines or open files have grown at the end.

`

// longest is as long as it may run.
const longest = 24 * time.Hour

// restartsApart is the least time between two restarts of the router, in a run that has
// room for it: one that goes away again and again is asked more and more rarely.
const restartsApart = 3 * time.Minute

// plan is what is asked for.
type plan struct {
	length, every, roam, restart time.Duration
	rootless                     bool
}

func main() {
	flag.Usage = func() { fmt.Fprint(os.Stderr, help); flag.PrintDefaults() }
	var p plan
	flag.DurationVar(&p.length, "for", time.Hour, "how long, up to a day")
	flag.DurationVar(&p.every, "every", 0, "time between two lines (default: a 30th of the whole)")
	flag.DurationVar(&p.roam, "roam", 0, "time between two moves of the phone (default: a 30th of the whole, 15s at least)")
	flag.DurationVar(&p.restart, "restart", 0, "time between two restarts of the router (default: a 10th of the whole, or less often in a short run)")
	flag.BoolVar(&p.rootless, "rootless", true, "homeward runs as nobody, without TUN")
	flag.Parse()
	if p.length < time.Minute || p.length > longest {
		fmt.Fprintf(os.Stderr, "soak: --for %v is not from 1m to %v\n", p.length, longest)
		os.Exit(2)
	}
	if p.every == 0 {
		p.every = p.length / 30
	}
	if p.roam == 0 {
		p.roam = max(p.length/30, 15*time.Second)
	}
	if p.restart == 0 {
		p.restart = max(p.length/10, min(p.length/2, restartsApart))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := labnet.Outside(func(t labnet.T) error { return soak(ctx, labnet.New(t), p) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak builds homeward, runs it and everything around it, and judges.
func soak(ctx context.Context, lab *labnet.Lab, p plan) error {
	b := &box{lab: lab, bin: filepath.Join(lab.Dir, "homeward"), state: filepath.Join(lab.Dir, "home", "state")}
	build := exec.CommandContext(ctx, "go", "build", "-o", b.bin, "./cmd/homeward")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building homeward: %w\n%s", err, out)
	}
	l := &load{box: b}
	lab.Share.ServeHTTP(":80", file{})
	lab.NAS.Start(lab.NAS.CommandAs(context.Background(), p.rootless, filepath.Join(lab.Dir, "home"), b.bin, "serve", "--state", b.state, "--config", os.DevNull))
	config, err := b.firstPhone(ctx)
	if err != nil {
		return err
	}
	defer lab.PhoneUp(config)()
	if l.phone, err = newRoamer(b, config); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.length)
	defer cancel()
	ended := l.run(ctx, p)
	figures, err := b.watch(ctx, os.Stdout, p.every, l)
	cancel()
	<-ended
	if err != nil {
		return err
	}
	return judge(figures, l)
}
