package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/api"
)

func newPeersInvite(o *options) *cobra.Command {
	var lasts time.Duration
	c := &cobra.Command{
		Use: "invite NAME|ID", Short: "Make a link that hands out a new code once", Args: exactly(1, "the device's name or number"),
		Long: `Make a link that hands out a new code once, to be opened on the device itself. It
works at home and through the tunnel only, for a day. Another link for the same device
ends the one before. A device that does not exist yet is added.

What the device has now works until its new code is used.`,
		Example: `  homeward peers invite "Anna's phone"
  homeward peers invite guest --lasts 1h`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			if lasts%time.Minute != 0 || lasts < time.Minute {
				return usage(fmt.Errorf("--lasts %v: one minute or more is needed, in whole minutes", lasts))
			}
			p, err := findOrAdd(c.Context(), client, args[0])
			if err != nil {
				return err
			}
			invite, err := client.Invite(c.Context(), p.ID, api.InviteWanted{Minutes: int(lasts / time.Minute)})
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, invite)
			}
			_, err = fmt.Fprintf(o.tty.out, "%s\nOpen it on the device %s until %s. It works once, and only at home or through the tunnel.\n",
				invite.URL, plain(p.Name), invite.Until.Local().Format("2006-01-02 15:04"))
			return err
		}),
	}
	c.Flags().DurationVar(&lasts, "lasts", 24*time.Hour, "how long the link is good, up to 720h")
	return c
}

// findOrAdd finds a device, or adds one of that name.
func findOrAdd(ctx context.Context, client *api.Client, which string) (api.Peer, error) {
	p, err := findPeer(ctx, client, which)
	if !errors.Is(err, errNoDevice) {
		return p, err
	}
	issued, err := client.AddPeer(ctx, api.NewPeer{Name: which})
	if err != nil {
		return api.Peer{}, err
	}
	return issued.Peer, nil
}
