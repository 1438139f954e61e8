package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/api"
)

func newDNS(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "dns", Short: "Give the house a DNS name that follows its address", Args: cobra.ArbitraryArgs, RunE: onlyCommands, SuggestionsMinimumDistance: 2,
		Long: `Give the house a DNS name that follows its address.

Codes with a name stay good when the provider of the internet line changes the
address. homeward tells the name's provider about every change, and asks the
name's own servers whether the world sees it.`,
	}
	c.AddCommand(newDNSShow(o), newDNSSet(o), newDNSRemove(o), newDNSProviders(o))
	return c
}

func newDNSShow(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Say how the name is", Args: cobra.NoArgs,
		Long: "Say which DNS name the house has, who serves it, and whether the world sees the house's\naddress by it.",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			n, err := client.DNSName(c.Context())
			if err != nil {
				return err
			}
			return o.printName(n)
		}),
	}
}

func newDNSSet(o *options) *cobra.Command {
	var in api.NewDNSName
	c := &cobra.Command{
		Use: "set PROVIDER NAME", Short: "Choose the name and who serves it", Args: exactly(2, "the provider and the name"),
		Long: `Choose the name and who serves it. The secret is asked for on the terminal, or
read as one line from standard input; it is kept sealed and never shown again. An
empty one means the secret of before. "homeward dns providers" lists whom to name.`,
		Example: `  homeward dns set duckdns myhome.duckdns.org < token
  homeward dns set noip home.example.org --user anna
  homeward dns set rfc2136 home.example.org --server ns1.example.org --user key-name`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			in.Provider, in.Name = strings.ToLower(args[0]), args[1]
			var err error
			if in.Secret, err = readSecret(o.tty, "Secret (token, password or key): "); err != nil {
				return err
			}
			n, err := client.SetDNSName(c.Context(), in)
			if err != nil {
				return err
			}
			return o.printName(n)
		}),
	}
	f := c.Flags()
	f.StringVar(&in.User, "user", "", "the account's or key's name, where there is one")
	f.StringVar(&in.Server, "server", "", "the server, for dyndns2 and rfc2136")
	f.StringVar(&in.Path, "path", "", "the path, for dyndns2 (default /nic/update?hostname={name}&myip={ips})")
	f.StringVar(&in.Zone, "zone", "", "the zone that the name is in (default: looked for)")
	f.StringVar(&in.Algorithm, "algorithm", "", "the key's algorithm, for rfc2136 (default hmac-sha256)")
	return c
}

func newDNSRemove(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "remove", Short: "Stop keeping the name; it stays where it points", Args: cobra.NoArgs,
		Long: "Stop keeping the name up to date. It stays where it points, until somebody changes it at\nits provider.",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			if err := client.RemoveDNSName(c.Context()); err != nil {
				return err
			}
			_, err := fmt.Fprintln(o.tty.out, "The name is not kept up to date any more. Codes that have it work until the address changes.")
			return err
		}),
	}
}

func newDNSProviders(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "providers", Short: "List who can serve the name, and what each asks for", Args: cobra.NoArgs,
		Long: "List who can serve the house's name, and what 'homeward dns set' asks for each. It asks\nnobody.",
		RunE: func(c *cobra.Command, _ []string) error {
			list := dnsProviders()
			if o.json {
				return printJSON(o.tty.out, list)
			}
			tw := tabwriter.NewWriter(o.tty.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(tw, "PROVIDER\tNAME\tASKS FOR")
			for _, p := range list {
				asks := p.Secret
				if p.NeedsUser {
					asks += ", --user"
				}
				if p.NeedsServer {
					asks += ", --server"
				}
				fmt.Fprintf(tw, "%s\t%s\t%s\n", p.Key, p.Label, asks)
			}
			return tw.Flush()
		},
	}
}

// printName says how the name is, in sentences.
func (o *options) printName(n api.DNSName) error {
	if o.json {
		return printJSON(o.tty.out, n)
	}
	var err error
	say := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(o.tty.out, format+"\n", args...)
		}
	}
	if !n.Chosen {
		say("The house has no DNS name. Give it one with 'homeward dns set PROVIDER NAME'.")
	} else {
		say("%s", nameInWords(n))
	}
	if n.Chosen && !n.Ready {
		say("New codes have it once that was seen.")
	}
	if n.Problem != "" {
		say("Problem: %s.", plain(n.Problem))
	}
	if n.Advice != "" {
		say("What to do: %s.", plain(n.Advice))
	}
	if !n.NextTry.IsZero() {
		say("Next try: %s.", n.NextTry.Local().Format(time.DateTime))
	}
	return err
}

func nameInWords(n api.DNSName) string {
	to := strings.Join(n.Published, " and ")
	switch n.State {
	case "verified":
		return fmt.Sprintf("%s leads to %s: its own servers said so at %s.", n.Name, to, n.Verified.Local().Format(time.DateTime))
	case "published":
		return fmt.Sprintf("%s was told to lead to %s. Its own servers don't say so yet.", n.Name, to)
	case "pending":
		return fmt.Sprintf("%s is going to be told where home is.", n.Name)
	case "no-address":
		return fmt.Sprintf("%s waits for a public address.", n.Name)
	}
	return fmt.Sprintf("%s is not kept up to date.", n.Name)
}

// readSecret asks for one line without showing it; a secret that is not asked for
// may be empty.
func readSecret(tty terminal, prompt string) (string, error) {
	if f, ok := terminalOf(tty.in); ok {
		return askHidden(f, tty.err, prompt)
	}
	line, err := readLine(tty.in)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the secret: %w", err)
	}
	return line, nil
}
