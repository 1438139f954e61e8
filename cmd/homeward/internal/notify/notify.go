// Package notify tells systemd how the program is: ready, alive, stopping. It
// is the protocol of sd_notify(3), which is one datagram of text to a socket.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"
)

// Config is what a Notifier needs. All fields but Again are required.
type Config struct {
	Env func(string) (string, bool) // finds NOTIFY_SOCKET and WATCHDOG_USEC
	// Check finds out whether the program still does its work. It must not need
	// the network or the disk: a restart would not mend those.
	Check func(context.Context) error
	// Again, if not nil, says at the end whether the program begins anew by itself:
	// then it does not stop.
	Again  func() bool
	Logger *slog.Logger
}

// Notifier speaks to the service manager, or to nobody when there is none.
type Notifier struct {
	cfg      Config
	socket   string
	watchdog time.Duration // zero: nobody watches
}

// New reads the environment. It starts nothing.
func New(cfg Config) *Notifier {
	n := &Notifier{cfg: cfg}
	n.socket, _ = cfg.Env("NOTIFY_SOCKET")
	if v, ok := cfg.Env("WATCHDOG_USEC"); ok {
		if usec, err := strconv.ParseInt(v, 10, 64); err == nil && usec > 0 {
			n.watchdog = time.Duration(usec) * time.Microsecond
		}
	}
	return n
}

// Run says that the program is ready as soon as the check succeeds, feeds the
// watchdog three times in its time for as long as the check succeeds, and says
// at the end that the program stops.
func (n *Notifier) Run(ctx context.Context) error {
	if n.socket == "" {
		<-ctx.Done()
		return nil
	}
	defer func() {
		if n.cfg.Again == nil || !n.cfg.Again() {
			n.send("STOPPING=1")
		}
	}()
	every := n.watchdog / 3
	ready, failed := false, false
	for {
		err := n.check(ctx)
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case err == nil && !ready:
			ready = true
			n.send("READY=1\nWATCHDOG=1")
		case err == nil:
			n.send("WATCHDOG=1")
		case !failed:
			n.cfg.Logger.Error("the self-check failed", "err", err)
		}
		failed = err != nil
		if n.watchdog == 0 && ready {
			<-ctx.Done()
			return nil
		}
		pause := every
		if !ready {
			pause = 250 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// unwatched bounds a check when there is no watchdog.
const unwatched = 20 * time.Second

// check is bounded, so that a hanging part is seen as what it is.
func (n *Notifier) check(ctx context.Context) error {
	bound := unwatched
	if n.watchdog > 0 {
		bound = n.watchdog / 3
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	return n.cfg.Check(ctx)
}

// send is one datagram. A name that begins with @ is in the abstract name
// space, as package net has it too.
func (n *Notifier) send(message string) {
	if err := write(n.socket, message); err != nil {
		n.cfg.Logger.Warn("telling the service manager failed", "message", message, "err", err)
	}
}

func write(socket, message string) error {
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("opening NOTIFY_SOCKET: %w", err)
	}
	defer c.Close()
	_, err = c.Write([]byte(message))
	return err
}
