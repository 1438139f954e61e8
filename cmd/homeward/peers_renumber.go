package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/api"
)

func newPeersRenumber(o *options) *cobra.Command {
	var in api.RenumberWanted
	var yes bool
	c := &cobra.Command{
		Use: "renumber", Short: "Give all devices addresses in another network, when the LAN has theirs or it is full", Args: cobra.NoArgs,
		Long: `Give the tunnel another network, and all devices the same addresses in it. It is what is
left when the LAN got the tunnel's network, after a new router for example: 'homeward
status' says so. A larger one has room for more devices: a /24 for 253 of them, a /16
for 65,533.

All devices keep their name, key, access and history, and all of them need a new code
then: 'homeward peers list' says which ones still do. Access rules that name addresses of
the tunnel move along. homeward starts again by itself, which takes a few seconds.`,
		Example: `  homeward peers renumber --dry-run
  homeward peers renumber
  homeward peers renumber --to 10.77.3.0/24 --yes
  homeward peers renumber --to 10.77.0.0/16`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			if !in.DryRun && !yes {
				look := in
				look.DryRun = true
				plan, err := client.Renumber(c.Context(), look)
				if err != nil {
					return err
				}
				in.Network = plan.To[0] // which is what was shown
				if err := printRenumbered(o.tty.err, plan, true); err != nil {
					return err
				}
				if err := confirm(o.tty, "Go on? [y/N] "); err != nil {
					return err
				}
			}
			var done api.Renumbered
			err := o.tty.working("Moving all devices and starting again", func() (err error) {
				if done, err = client.Renumber(c.Context(), in); err == nil && !in.DryRun {
					err = awaitNetwork(c.Context(), client, done.To[0])
				}
				return err
			})
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, done)
			}
			return printRenumbered(o.tty.out, done, in.DryRun)
		}),
	}
	c.Flags().StringVar(&in.Network, "to", "", "the network, private and as large as the one of now or larger; empty: one that is free here and seldom used elsewhere")
	c.Flags().BoolVar(&in.DryRun, "dry-run", false, "say what would happen, and change nothing")
	c.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	return c
}

// againWithin is how long homeward may take to start again.
const againWithin = 30 * time.Second

// awaitNetwork waits until homeward has started again with a network.
func awaitNetwork(ctx context.Context, client *api.Client, network string) error {
	bound, cancel := context.WithTimeout(ctx, againWithin)
	defer cancel()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		// One that still has to start again refuses even to look, and one that has says
		// that it has that network.
		_, err := client.Renumber(bound, api.RenumberWanted{Network: network, DryRun: true})
		var refused *api.Problem
		switch {
		case errors.As(err, &refused) && refused.Status == http.StatusBadRequest && refused.Field == "network":
			return nil
		case errors.As(err, &refused) && refused.Status != http.StatusConflict:
			return err
		}
		select {
		case <-bound.Done():
			return fmt.Errorf("the tunnel's network is %s now, and homeward has not started again with it within %v: see its log (%w)", network, againWithin, errors.Join(err, ctx.Err()))
		case <-poll.C:
		}
	}
}

// printRenumbered says what was done, or with look what would be.
func printRenumbered(w io.Writer, r api.Renumbered, look bool) error {
	if r.Clash != nil {
		fmt.Fprintf(w, "This machine's network %s has addresses of the tunnel's network %s.\n", r.Clash.Taken, r.Clash.Tunnel)
	}
	fmt.Fprintf(w, "The tunnel: %s → %s\n", strings.Join(r.From, ", "), strings.Join(r.To, ", "))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, d := range r.Devices {
		access := ""
		if d.Access != "" {
			access = "access: " + d.Access
		}
		fmt.Fprintf(t, "  %d\t%s\t%s → %s\t%s\n", d.ID, plain(d.Name), strings.Join(d.From, " "), strings.Join(d.To, " "), access)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, said := range r.Told {
		fmt.Fprintf(w, "- %s\n", plain(said))
	}
	text := fmt.Sprintf("Devices that need a new code then: %d. Nothing was changed.\n", len(r.Devices))
	if !look {
		text = fmt.Sprintf("It is done, and homeward has started again with it. Devices that need a new code now: %d. Until then they reach nothing at home.\n", len(r.Devices))
		if len(r.Devices) > 0 {
			text += fmt.Sprintf("Make one: homeward peers rotate %d, or send a link: homeward peers invite %d\n", r.Devices[0].ID, r.Devices[0].ID)
		}
	}
	_, err := io.WriteString(w, text)
	return err
}
