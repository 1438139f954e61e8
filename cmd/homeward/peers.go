package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/api"
	"homeward/web/words"
)

func newPeers(o *options) *cobra.Command {
	c := &cobra.Command{Use: "peers", Short: "Manage the devices that may come in", Args: cobra.ArbitraryArgs, RunE: onlyCommands, SuggestionsMinimumDistance: 2}
	c.AddCommand(
		newPeersList(o), newPeersAdd(o),
		onPeer(o, "show", "Show all about one device", showPeer),
		newPeersEdit(o),
		onPeer(o, "enable", "Let a device in again", setEnabled(true)),
		onPeer(o, "disable", "Keep a device out, at once", setEnabled(false)),
		newPeersAccess(o),
		onPeer(o, "rotate", "Make a new code; the old one works until the new one is used", rotatePeer),
		onPeer(o, "remove", "End a device's access for good", removePeer),
		newPeersQR(o),
		onPeer(o, "config", "Print the config of a new device, while it is remembered", printForm("config")),
	)
	return c
}

func newPeersList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the devices", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			list, err := client.Peers(c.Context())
			if err != nil {
				return remote(err)
			}
			if o.json {
				return printJSON(o.tty.out, list)
			}
			return printPeers(o.tty.out, list, time.Now())
		},
	}
}

func printPeers(w io.Writer, list []api.Peer, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "No devices yet. Add one: homeward peers add \"Anna's phone\"")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tNAME\tSTATE\tACCESS\tADDRESS\tSEEN\tRECEIVED\tSENT")
	for _, p := range list {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, plain(p.Name), stateInWords(p), p.Access, strings.Join(p.Addresses, " "), seen(p.Seen, now), words.Size(p.Received), words.Size(p.Sent))
	}
	return t.Flush()
}

// showIssued prints the code of a new device, or its text where there is none.
func showIssued(ctx context.Context, o *options, client *api.Client, i api.Issued, ownKey bool) error {
	form := "qr.txt"
	if ownKey {
		form = "config"
	}
	code, err := client.Config(ctx, i.Peer.ID, form)
	if err != nil {
		return remote(err)
	}
	for _, w := range i.Warnings {
		fmt.Fprintf(o.tty.err, "warning: %s\n", plain(w))
	}
	_, err = fmt.Fprintf(o.tty.out, "%s\n%s may come in now. Scan the code with the WireGuard app, or save it:\n  homeward peers config %d > %s\nIt is forgotten at %s.\n",
		code, plain(i.Peer.Name), i.Peer.ID, i.FileName, i.Until.Local().Format("15:04"))
	return err
}

func newPeersQR(o *options) *cobra.Command {
	var file string
	c := onPeer(o, "qr", "Show the code of a new device again, while it is remembered", func(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
		if file == "" {
			return printForm("qr.txt")(ctx, o, client, p)
		}
		form := "qr.png"
		if strings.HasSuffix(strings.ToLower(file), ".svg") {
			form = "qr.svg"
		}
		b, err := client.Config(ctx, p.ID, form)
		if err != nil {
			return remote(err)
		}
		return os.WriteFile(file, b, 0o600)
	})
	c.Flags().StringVarP(&file, "output", "o", "", "write a picture instead: FILE.png or FILE.svg")
	return c
}

// onPeer makes a command for one device, given by number or name.
func onPeer(o *options, verb, short string, do func(context.Context, *options, *api.Client, api.Peer) error) *cobra.Command {
	return &cobra.Command{
		Use: verb + " NAME|ID", Short: short, Args: exactly(1, "the device's name or number"),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			p, err := findPeer(c.Context(), client, args[0])
			if err != nil {
				return err
			}
			return do(c.Context(), o, client, p)
		},
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

func rotatePeer(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
	issued, err := client.Rotate(ctx, p.ID)
	if err != nil {
		return remote(err)
	}
	if o.json {
		return printJSON(o.tty.out, issued)
	}
	return showIssued(ctx, o, client, issued, false)
}

func setEnabled(enabled bool) func(context.Context, *options, *api.Client, api.Peer) error {
	return func(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
		p, err := client.EditPeer(ctx, p.ID, api.PeerChange{Enabled: &enabled})
		if err != nil {
			return remote(err)
		}
		return showPeer(ctx, o, client, p)
	}
}

func removePeer(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
	if err := client.RemovePeer(ctx, p.ID); err != nil {
		return remote(err)
	}
	if o.json {
		return nil
	}
	_, err := fmt.Fprintf(o.tty.out, "%s is out.\n", plain(p.Name))
	return err
}

// printForm prints a config or code as it is.
func printForm(form string) func(context.Context, *options, *api.Client, api.Peer) error {
	return func(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
		b, err := client.Config(ctx, p.ID, form)
		if err != nil {
			return remote(err)
		}
		_, err = o.tty.out.Write(b)
		return err
	}
}
