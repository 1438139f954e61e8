package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"homeward/cmd/homeward/internal/backups"
	"homeward/cmd/homeward/internal/hardening"
	"homeward/cmd/homeward/internal/lifetime"
	"homeward/cmd/homeward/internal/memory"
	"homeward/cmd/homeward/internal/notify"
	"homeward/configs"
	"homeward/configs/state"
	"homeward/tunnel"
	"homeward/web/api"
)

func newServe(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the appliance",
		Long: `Run the appliance until Ctrl-C or SIGTERM.

The first start makes keys, a database and an address plan in the state directory.
Without root, or without /dev/net/tun, it runs rootless by itself.`,
		Example: `  homeward serve
  homeward serve --endpoint home.example.org --map-port=false`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := o.settings()
			if err != nil {
				return err
			}
			return serve(c.Context(), s, o.tty)
		},
	}
}

// serve runs the appliance, and again when a backup was restored or what kept it from
// running wholly is over.
func serve(ctx context.Context, s configs.Settings, tty terminal) error {
	log := configs.NewLogger(s, tty.err)
	budget := memory.Find()
	budget.Apply()
	box := &box{settings: s, tty: tty, budget: budget, log: log}
	for {
		err := box.serve(ctx)
		// One that hangs still has the old state in its hands: the next process
		// completes the restore.
		if !errors.Is(err, errRestored) && !errors.Is(err, errTryAgain) || errors.Is(err, lifetime.ErrHangs) {
			return err
		}
		box.normally = true
	}
}

// box is what stays the same when the appliance starts again.
type box struct {
	settings configs.Settings
	tty      terminal
	budget   memory.Budget
	log      *slog.Logger

	hardened []hardening.Result // nil until the rights are given up, which is once
	nightly  string             // the folder that may be written to, next to the state

	normally bool // the next start is not in safe mode
	relapses int  // how often a database that could be opened could not be read, in a row
}

func (b *box) serve(ctx context.Context) (err error) {
	if was, err := b.serveSafely(ctx); was {
		return err
	}
	st, err := state.Open(ctx, b.settings.StateDir, b.log)
	if err != nil {
		return b.serveWithout(ctx, err, false)
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	end := b.begin(st)
	if b.hardened == nil {
		b.nightly = backups.Folder(ctx, st)
		b.harden(st)
	}
	a, err := assemble(ctx, b, st)
	if ofDatabase(err) {
		end(ctx, nil) // the shelter is as safe as can be
		if err := st.Close(); err != nil {
			b.log.Error("closing the database failed", "err", err)
		}
		return b.serveWithout(ctx, err, true)
	}
	defer func() { end(ctx, err) }()
	if err != nil {
		return err
	}
	b.relapses = 0
	socket, err := openSocket(st.Path(socketFile), api.LocalHandler(a.api(onTheBox), a.page))
	if err != nil {
		a.page.Close()
		return err
	}
	return a.run(ctx,
		lifetime.Part{Name: "backups", Run: a.backups.Run},
		lifetime.Part{Name: "restored backup", Run: a.restorer.Run},
		lifetime.Part{Name: "command line's socket", Run: socket.Run},
		lifetime.Part{Name: "memory", Run: memory.Settle(a.page.web.Forget)},
		lifetime.Part{Name: "garbage", Run: memory.KeepGarbageLow},
		lifetime.Part{Name: "status block", Run: func(ctx context.Context) error { return a.report(ctx, b.tty) }},
		b.wellAfter(st, state.Starts{}),
		b.word(st, a.tunnel, a.restorer.restored),
	)
}

// harden gives up what rights are not needed.
func (b *box) harden(st *state.State) {
	if b.tty.harden != nil && b.hardened == nil {
		b.hardened = b.tty.harden(st.Dir(), b.settings.Plane != string(tunnel.PlaneNetstack), b.nightly)
	}
}

// word is the part that speaks to the service manager; again says at the end whether
// homeward goes on with another start.
func (b *box) word(st *state.State, t *tunnel.Tunnel, again func() bool) lifetime.Part {
	n := notify.New(notify.Config{Env: b.tty.env, Check: selfCheck(st.Path(socketFile), t), Again: again, Logger: b.log})
	return lifetime.Part{Name: "word to the service manager", Run: n.Run}
}

// selfCheck is what the watchdog waits for: the whole way that a command takes, to
// the tunnel and back. What a restart would not mend, such as the router, the
// provider or a full disk, is no reason to fail.
func selfCheck(socket string, t *tunnel.Tunnel) func(context.Context) error {
	client := api.NewClient(socket)
	return func(ctx context.Context) error {
		if _, err := client.Status(ctx); err != nil {
			return err
		}
		if s := t.Status(); !s.Up {
			return fmt.Errorf("the tunnel is not up: %s", s.Problem)
		}
		return nil
	}
}

// settled is how long the first verdict on the router may take before the
// status block is printed without it.
const settled = 6 * time.Second

// report prints one status block, once there is something to say.
func (a *appliance) report(ctx context.Context, tty terminal) error {
	if printSettled(ctx, tty, a.status) {
		if err := a.page.announce(ctx, tty); err != nil {
			a.log.Error("printing the setup link failed", "err", err)
		}
	}
	<-ctx.Done()
	return nil
}

// printSettled prints the status when the router was heard, or should have been,
// unless ctx ends before.
func printSettled(ctx context.Context, tty terminal, status func() api.Status) bool {
	bound, cancel := context.WithTimeout(ctx, settled)
	defer cancel()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for undecided(status()) && bound.Err() == nil {
		select {
		case <-bound.Done():
		case <-poll.C:
		}
	}
	if ctx.Err() != nil {
		return false
	}
	printStatus(tty.out, status())
	return true
}

// undecided says whether the router has not been heard yet.
func undecided(s api.Status) bool {
	for _, j := range s.Joints {
		if j.Key == "router" && len(j.Says) > 0 && j.Says[0].Code == lookingForRouter {
			return true
		}
	}
	return false
}
