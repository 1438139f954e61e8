package main

import (
	"errors"

	"github.com/spf13/cobra"

	"homeward/configs"
	"homeward/configs/state"
	"homeward/tunnel"
)

func newCleanup(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "cleanup",
		Short: "Remove what a crashed run left in the system",
		Long: `Remove what a crashed run left in the system: the network interface, the packet
filter's table and changed kernel settings. "homeward serve" does it by itself at
its start. Keys and devices are not touched.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			s, err := o.settings()
			if err != nil {
				return err
			}
			st, err := state.Open(c.Context(), s.StateDir, configs.NewLogger(s, o.tty.err)) // not under a running homeward
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, st.Close()) }()
			return tunnel.Cleanup(s.Interface, st.Dir())
		},
	}
}
