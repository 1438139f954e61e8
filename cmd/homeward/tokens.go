package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/account"
	"homeward/web/api"
)

func newAdminTokens(o *options) *cobra.Command {
	c := &cobra.Command{Use: "tokens", Short: "List, make and revoke the tokens by which programs come in", Args: cobra.ArbitraryArgs, RunE: onlyCommands, SuggestionsMinimumDistance: 2,
		Long: "List, make and revoke the tokens by which programs use the API."}
	c.AddCommand(newTokensList(o), newTokensCreate(o), newTokensRevoke(o))
	return c
}

func newTokensList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the tokens; no secret is shown", Args: cobra.NoArgs,
		Long: "List the tokens by which programs use the API, with what each may do. No secret is\nshown.",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			list, err := client.Tokens(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, list)
			}
			if len(list) == 0 {
				_, err := fmt.Fprintln(o.tty.out, "There is no token: 'homeward admin tokens create' makes one.")
				return err
			}
			w := tabwriter.NewWriter(o.tty.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tUSER\tNAME\tMAY\tMADE\tLAST USED\tENDS")
			for _, t := range list {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, plain(t.User), plain(t.Name), scopeWords(t.Scopes), day(&t.Created), day(t.Used), day(t.Expires))
			}
			return w.Flush()
		}),
	}
}

// day is a date, or a dash for none.
func day(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Local().Format(time.DateOnly)
}

func scopeWords(s account.Scopes) string {
	var words []string
	for _, one := range s {
		words = append(words, string(one))
	}
	return strings.Join(words, ",")
}

func newTokensCreate(o *options) *cobra.Command {
	var user string
	var scopes []string
	var days int
	c := &cobra.Command{
		Use: "create NAME", Short: "Make a token for a program, and print it once", Args: exactly(1, "what the token is for"),
		Long: `Make a token for a program, and print it: nobody can see it again. The program sends it
as "Authorization: Bearer TOKEN" to /api/v1, without any cookie.

It belongs to a user, and never may more than that user: it ends with the user, with a
smaller role, with a password that somebody else sets, at its time, or when it is revoked.
--may takes read (look at what holds no secret), peers (devices and their codes), ports
(the router's ports and forwards) and admin (everything).`,
		Example: `  homeward admin tokens create "home assistant"
  homeward admin tokens create backup --may admin --days 365 >token`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			n := api.NewToken{User: user, Name: args[0], Days: days}
			for _, s := range scopes {
				n.Scopes = append(n.Scopes, account.Scope(s))
			}
			t, err := client.CreateToken(c.Context(), n)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, t)
			}
			if _, err := fmt.Fprintln(o.tty.out, t.Secret); err != nil {
				return err
			}
			_, err = fmt.Fprintf(o.tty.err, "This is token %d, of %s: it may %s. It is shown only now.\n", t.Made.ID, plain(t.Made.User), scopeWords(t.Made.Scopes))
			return err
		}),
	}
	c.Flags().StringVar(&user, "user", "", "whose it is (default the first admin)")
	c.Flags().StringSliceVar(&scopes, "may", []string{string(account.ScopeRead)}, "metrics, read, peers, ports or admin, or several with commas")
	c.Flags().IntVar(&days, "days", 0, "after how many days it ends (default when it is revoked)")
	return c
}

func newTokensRevoke(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "End a token at once", Args: exactly(1, "the number of the token, which 'homeward admin tokens list' shows"),
		Long:    "End a token at once. The program that has it is refused from then on.",
		Example: "  homeward admin tokens revoke 3",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usage(fmt.Errorf("%.40q is not the number of a token: 'homeward admin tokens list' shows them", args[0]))
			}
			return o.did(client.RevokeToken(c.Context(), id), "The token is revoked.")
		}),
	}
}
