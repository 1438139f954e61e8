package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"homeward/configs"
	"homeward/configs/state"
	"homeward/tunnel"
	"homeward/upnp/forwards"
	"homeward/upnp/journal"
)

// cleanRouterTime is how long the router may take to give back what is ours.
const cleanRouterTime = 20 * time.Second

func newCleanup(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "cleanup",
		Short: "Remove what a crashed run left in the system and on the router",
		Long: `Remove what a crashed run left in the system: the network interface, the packet
filter's table and changed kernel settings. "homeward serve" does it by itself at
its start. What was opened on the router is closed, too. Keys, devices and rules are
not touched.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			s, err := o.settings()
			if err != nil {
				return err
			}
			log := configs.NewLogger(s, o.tty.err)
			st, err := state.Open(c.Context(), s.StateDir, log) // not under a running homeward
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, st.Close()) }()
			return errors.Join(tunnel.Cleanup(s.Interface, st.Dir()), cleanRouter(c.Context(), s, st, log))
		},
	}
}

// cleanRouter closes what is still open on the router. Where nothing can be, the
// router is not asked.
func cleanRouter(ctx context.Context, s configs.Settings, st *state.State, log *slog.Logger) error {
	if !s.MapPort {
		return nil
	}
	if may, err := mayBeOpen(ctx, st); err != nil || !may {
		return err
	}
	id, err := st.EnsureIdentity(ctx, func() (state.Plan, error) {
		return state.Plan{}, errors.New("cleaning the router up: this state directory has no identity")
	})
	if err != nil {
		return err
	}
	port := s.Port
	if port == 0 {
		port = id.ListenPort
	}
	m, err := newMapper(s, st, id, port, nil, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cleanRouterTime)
	defer cancel()
	return m.Clean(ctx)
}

// mayBeOpen reports whether something of ours can still be on the router.
func mayBeOpen(ctx context.Context, st *state.State) (bool, error) {
	notes, err := journal.New(st.DB()).Notes(ctx)
	if err != nil {
		return false, err
	}
	book, err := forwards.New(ctx, forwards.Config{DB: st.DB()})
	if err != nil {
		return false, err
	}
	return len(notes) > 0 || len(book.Rules()) > 0, nil
}
