package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"homeward/peers/qr"
	"homeward/web/api"
)

func newAdmin(o *options) *cobra.Command {
	c := &cobra.Command{Use: "admin", Short: "Get into the admin page", Args: cobra.ArbitraryArgs, RunE: onlyCommands, SuggestionsMinimumDistance: 2,
		Long: "Get into the admin page: the link to set it up, passwords, users, and tokens for\nprograms."}
	c.AddCommand(newAdminPassword(o), newAdminLink(o), newAdminUsers(o), newAdminTokens(o), newAdminStart(o))
	return c
}

func newAdminPassword(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "password", Short: "Set the first admin's password, and log everybody out", Args: cobra.NoArgs,
		Long: `Set the first admin's password, and log everybody out. It is asked for on the
terminal, or read as one line from standard input. A second step of the login stays:
'homeward admin users totp-off' ends it.`,
		Example: "  homeward admin password\n  homeward admin password < file",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			password, err := readTwice(o.tty, "password")
			if err != nil {
				return err
			}
			if err := client.SetPassword(c.Context(), password); err != nil {
				return err
			}
			_, err = fmt.Fprintln(o.tty.out, "The password is set. Everybody has been logged out.")
			return err
		}),
	}
}

func newAdminStart(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "start-normally", Short: "Leave safe mode, or try the database again, at once", Args: cobra.NoArgs,
		Long: `Leave safe mode, or try the database again, at once.

homeward starts in safe mode when it ended three times in a row shortly after its start:
devices come in as they did last, and nothing can be changed. The same holds while its
database cannot be opened. 'homeward status' says so, why, and what to do.

It also starts normally by itself: when the database can be opened again, or after some
time in safe mode, which begins with ten minutes.`,
		Example: "  homeward admin start-normally",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			done, err := client.StartNormally(c.Context())
			if err != nil {
				return err
			}
			said := "homeward starts normally now. Whether it stays so is seen by: homeward status"
			if !done {
				said = "homeward runs normally already."
			}
			_, err = fmt.Fprintln(o.tty.out, said)
			return err
		}),
	}
}

// readTwice asks twice for a new secret without showing it, or reads one line.
func readTwice(tty terminal, what string) (string, error) {
	f, ok := terminalOf(tty.in)
	if !ok {
		line, err := readLine(tty.in)
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the %s: %w", what, err)
		}
		if line == "" {
			return "", usage(fmt.Errorf("reading the %s: standard input is empty", what))
		}
		return line, nil
	}
	var typed [2]string
	for i, prompt := range []string{"New " + what + ": ", "The same again: "} {
		var err error
		if typed[i], err = askHidden(f, tty.err, prompt); err != nil {
			return "", err
		}
	}
	if typed[0] != typed[1] {
		return "", fmt.Errorf("the two %ss are not the same: nothing was changed", what)
	}
	return typed[0], nil
}

func newAdminLink(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "setup-link", Short: "Print another link to set up the admin page; the one before ends", Args: cobra.NoArgs,
		Long: `Print another link to set up the admin page, as text and as a code to scan. It works
once, for a day; the one before ends.`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			link, err := client.SetupLink(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, link)
			}
			return printLink(o.tty, link)
		}),
	}
}

// printLink shows a setup link as text and as a code.
func printLink(tty terminal, l api.SetupLink) error {
	code, err := qr.Of([]byte(l.URL))
	if err != nil {
		return err
	}
	drawn := code.TerminalPlain()
	if f, ok := tty.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		drawn = code.Terminal()
	}
	text := fmt.Sprintf("\nSet it up, once and within a day: %s\n\n%s", l.URL, drawn)
	if l.Fingerprint != "" {
		text += "\nThe browser will warn, since this box vouches for itself. It is the right one if the\ncertificate's SHA-256 fingerprint is\n  " + l.Fingerprint + "\nor, as words, which the page's settings show, too,\n  " + l.Words + "\n"
	}
	_, err = io.WriteString(tty.out, text)
	return err
}
