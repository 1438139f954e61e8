package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/api"
)

func newPeers(o *options) *cobra.Command {
	c := &cobra.Command{Use: "peers", Short: "Manage the devices that may come in", Args: cobra.ArbitraryArgs, RunE: onlyCommands, SuggestionsMinimumDistance: 2,
		Long: `Manage the devices that may come in: add them, show their codes, say what they may
reach, and end their access. A device is given by its name or its number.`}
	c.AddCommand(
		newPeersList(o), newPeersAdd(o),
		onPeer(o, "show", "Show all about one device", "Show all about one device: what it may do, its addresses, when it was seen, how much\nwent through its tunnel, and whether it needs a new code.", showPeer),
		newPeersEdit(o),
		onPeer(o, "enable", "Let a device in again", "Let a device in again that was disabled, by itself for being idle or by a person. Its\ncode is the same.", setEnabled(true)),
		onPeer(o, "disable", "Keep a device out, at once", "Keep a device out, at once: its open connections are cut. Its name, address and code\nstay, and \"homeward peers enable\" lets it in again.", setEnabled(false)),
		newPeersAccess(o),
		newPeersRotate(o),
		newPeersRemove(o),
		onPeer(o, "keep", "Undo a removal that can still be undone", "Undo a removal that can still be undone, since it was made with --undo or on the page.", keepPeer),
		newPeersQR(o),
		newPeersConfig(o), newPeersInvite(o), newPeersTest(o), newPeersRenumber(o),
	)
	return c
}

// onPeer makes a command for one device, given by number or name.
func onPeer(o *options, verb, short, long string, do func(context.Context, *options, *api.Client, api.Peer) error) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME|ID", Short: short, Long: long, Args: exactly(1, "the device's name or number"),
		Example: "  homeward peers " + verb + " \"Anna's phone\"",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			p, err := findPeer(c.Context(), client, args[0])
			if err != nil {
				return err
			}
			return do(c.Context(), o, client, p)
		}),
	}
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usage(fmt.Errorf("%s needs %s: see '%s --help'", c.CommandPath(), what, c.CommandPath()))
		}
		return nil
	}
}

func setEnabled(enabled bool) func(context.Context, *options, *api.Client, api.Peer) error {
	return func(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
		p, err := client.EditPeer(ctx, p.ID, api.PeerChange{Enabled: &enabled})
		if err != nil {
			return err
		}
		return showPeer(ctx, o, client, p)
	}
}

func newPeersRemove(o *options) *cobra.Command {
	var undo time.Duration
	c := &cobra.Command{
		Use: "remove NAME|ID", Short: "End a device's access for good", Args: exactly(1, "the device's name or number"),
		Long: `End a device's access for good, at once: open connections are cut. With --undo it
stays as it is for so long, and "homeward peers keep" undoes it.`,
		Example: `  homeward peers remove "Anna's phone"
  homeward peers remove --undo 15s "Anna's phone"`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			p, err := findPeer(c.Context(), client, args[0])
			if err != nil {
				return err
			}
			if c.Flags().Changed("undo") {
				return removeLater(c.Context(), o, client, p, undo)
			}
			if err := client.RemovePeer(c.Context(), p.ID); err != nil || o.json {
				return err
			}
			_, err = fmt.Fprintf(o.tty.out, "%s is out.\n", plain(p.Name))
			return err
		}),
	}
	c.Flags().DurationVar(&undo, "undo", 0, "how long it can be undone, up to an hour; for a lost phone leave it out")
	return c
}

func removeLater(ctx context.Context, o *options, client *api.Client, p api.Peer, undo time.Duration) error {
	p, err := client.RemovePeerLater(ctx, p.ID, undo)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(o.tty.out, p)
	}
	_, err = fmt.Fprintf(o.tty.out, "%s is removed at %s. To undo that: homeward peers keep %d\n", plain(p.Name), p.Leaves.Local().Format(time.TimeOnly), p.ID)
	return err
}

func keepPeer(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
	p, err := client.KeepPeer(ctx, p.ID)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(o.tty.out, p)
	}
	_, err = fmt.Fprintf(o.tty.out, "%s stays.\n", plain(p.Name))
	return err
}
