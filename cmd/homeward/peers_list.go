package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/peers"
	"homeward/web/api"
	"homeward/web/words"
)

func newPeersList(o *options) *cobra.Command {
	var order string
	c := &cobra.Command{
		Use: "list [WORDS]", Short: "List the devices, or those that have the words in their name, note, kind or address", Args: cobra.MaximumNArgs(1),
		Long: `List the devices with what they may reach, their addresses and when they were seen, or
those that have the words in their name, note, kind or address.`,
		Example: `  homeward peers list
  homeward peers list anna --sort seen`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			if _, err := peers.ParseOrder(order); err != nil { // before anybody is asked
				return usage(fmt.Errorf("--%w", err))
			}
			wanted := strings.Join(args, " ")
			list, err := client.FindPeers(c.Context(), wanted, order)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, list)
			}
			if len(list) == 0 && wanted != "" {
				all, err := client.Peers(c.Context())
				if err != nil {
					return err
				}
				if len(all) > 0 {
					_, err := fmt.Fprintf(o.tty.out, "None of the %d devices has %q in its name, note, kind or address.\n", len(all), wanted)
					return err
				}
			}
			return printPeers(o.tty.out, list, time.Now())
		}),
	}
	c.Flags().StringVar(&order, "sort", string(peers.OrderName), "in which order: name, seen (the latest first), traffic (the most first) or added (the newest first)")
	return c
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
	if err := t.Flush(); err != nil {
		return err
	}
	if err := printCopied(w, list); err != nil {
		return err
	}
	return printOutdated(w, list)
}

// printCopied names the devices whose code is in two of them.
func printCopied(w io.Writer, list []api.Peer) error {
	for _, p := range list {
		for _, h := range p.Hints {
			if h.Key != string(peers.HintTwoPlaces) {
				continue
			}
			if _, err := fmt.Fprintf(w, "→ %s: %s\n", plain(p.Name), h.Text); err != nil {
				return err
			}
		}
	}
	return nil
}

// printOutdated names the devices that need a new code.
func printOutdated(w io.Writer, list []api.Peer) error {
	for _, p := range list {
		if len(p.NeedsCode) == 0 {
			continue
		}
		todo := fmt.Sprintf("homeward peers rotate %d", p.ID)
		if p.Renewing && p.NextReady {
			todo = "it is made and waits to be used"
		}
		if _, err := fmt.Fprintf(w, "→ %s needs a new code, since %s: %s\n", plain(p.Name), reasons(p), todo); err != nil {
			return err
		}
	}
	return nil
}

func reasons(p api.Peer) string {
	var list []string
	for _, r := range p.NeedsCode {
		list = append(list, r.Text)
	}
	return strings.Join(list, ", ")
}
