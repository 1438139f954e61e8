package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

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

func serve(ctx context.Context, s configs.Settings, tty terminal) (err error) {
	log := configs.NewLogger(s, tty.err)
	budget := memory.Find()
	budget.Apply()
	st, err := state.Open(ctx, s.StateDir, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	var hardened []hardening.Result
	if tty.harden != nil {
		hardened = tty.harden(st.Dir(), s.Plane != string(tunnel.PlaneNetstack))
	}
	a, err := assemble(ctx, s, st, budget, log)
	if err != nil {
		return err
	}
	a.hardened = hardened
	socket, err := openSocket(st.Path(socketFile), api.LocalHandler(a.api(), a.page))
	if err != nil {
		a.page.Close()
		return err
	}
	return a.run(ctx,
		lifetime.Part{Name: "command line's socket", Run: socket.Run},
		lifetime.Part{Name: "memory", Run: memory.Settle},
		lifetime.Part{Name: "status block", Run: func(ctx context.Context) error { return a.report(ctx, tty) }},
		lifetime.Part{Name: "word to the service manager", Run: notify.New(notify.Config{Env: tty.env, Check: a.check(st.Path(socketFile)), Logger: log}).Run},
	)
}

// check is the self-check behind the watchdog: the whole way that a command
// takes, to the tunnel and back. What a restart would not mend, such as the
// router, the provider or a full disk, is no reason to fail.
func (a *appliance) check(socket string) func(context.Context) error {
	client := api.NewClient(socket)
	return func(ctx context.Context) error {
		if _, err := client.Status(ctx); err != nil {
			return err
		}
		if s := a.tunnel.Status(); !s.Up {
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
	bound, cancel := context.WithTimeout(ctx, settled)
	defer cancel()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for undecided(a.status()) && bound.Err() == nil {
		select {
		case <-bound.Done():
		case <-poll.C:
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	printStatus(tty.out, a.status())
	if err := a.page.announce(ctx, tty); err != nil {
		a.log.Error("printing the setup link failed", "err", err)
	}
	<-ctx.Done()
	return nil
}

// undecided says whether the router has not been heard yet.
func undecided(s api.Status) bool {
	for _, j := range s.Joints {
		if j.Key == "router" && j.Summary == lookingForRouter {
			return true
		}
	}
	return false
}
