package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/configs"
	"homeward/configs/state"
	"homeward/web/api"
)

func newRestore(o *options) *cobra.Command {
	var look, yes bool
	var passphraseFile string
	c := &cobra.Command{
		Use: "restore FILE", Short: "Make this box the homeward that a backup was made of", Args: exactly(1, "the backup's file"),
		Long: `Make this box the homeward that a backup was made of: the same keys, port, devices,
accounts and settings. Phones need no new code, as long as the codes' address leads to
this box now.

The backup is verified completely before anything changes. What was here is not deleted,
but put into a folder "before-restore-…" in the state directory. A homeward that runs
here starts again by itself. Stop the one on the old box for good: two with the same keys
take the phones away from each other.

The passphrase or recovery code is asked for, or read as one line from standard input.
A person at a terminal is shown what is in the backup, and asked; --yes asks nothing.`,
		Example: `  homeward restore --dry-run homeward-2026-11-23.backup
  homeward restore homeward-2026-11-23.backup`,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := o.settings()
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("opening the backup: %w", err)
			}
			defer f.Close()
			key, err := o.readKey(passphraseFile)
			if err != nil {
				return err
			}
			open := func(look bool) (done api.Restored, err error) {
				if _, err := f.Seek(0, io.SeekStart); err != nil {
					return done, fmt.Errorf("reading the backup: %w", err)
				}
				err = o.tty.working("Opening the backup and verifying all of it", func() (err error) {
					done, err = o.restore(c.Context(), s, f, key, look)
					return err
				})
				return done, err
			}
			if _, person := terminalOf(o.tty.in); person && !look && !yes {
				found, err := open(true)
				if err != nil {
					return err
				}
				if err := confirm(o.tty, "\n"+inBackup(found)+"\nIt takes the place of what this homeward has now, which is kept aside. Go on? [y/N] "); err != nil {
					return err
				}
			}
			done, err := open(look)
			if err != nil {
				return err
			}
			return o.printRestored(done, look)
		},
	}
	c.Flags().BoolVar(&look, "dry-run", false, "verify the backup and say what is in it, and change nothing")
	c.Flags().BoolVar(&yes, "yes", false, "don't ask")
	c.Flags().StringVar(&passphraseFile, "passphrase-file", "", "read the passphrase or recovery code from the first line of this file")
	return c
}

// readKey asks for what opens a backup.
func (o *options) readKey(file string) (string, error) {
	if file != "" {
		return firstLine(file)
	}
	key, err := readSecret(o.tty, "Passphrase or recovery code: ")
	if err == nil && key == "" {
		err = usage(errors.New("the passphrase or recovery code is missing"))
	}
	return key, err
}

// restore goes through the homeward that runs here, if one does.
func (o *options) restore(ctx context.Context, s configs.Settings, sealed io.Reader, key string, look bool) (api.Restored, error) {
	done, err := api.NewClient(filepath.Join(s.StateDir, socketFile)).Restore(ctx, key, sealed, look)
	if !errors.Is(err, api.ErrNotRunning) { // then nothing was read
		return done, err
	}
	staging, err := state.Stage(s.StateDir)
	if err != nil {
		return api.Restored{}, err
	}
	return restoreBackup(ctx, staging, sealed, key, look, configs.NewLogger(s, o.tty.err))
}

func (o *options) printRestored(r api.Restored, look bool) error {
	if o.json {
		return printJSON(o.tty.out, r)
	}
	text := "The backup is whole.\n" + inBackup(r)
	if look {
		text += "Nothing was changed.\n"
	} else {
		text += "It is in place. Stop the old homeward for good: two with the same keys disturb each other.\n"
	}
	if r.Aside != "" {
		text += "What was here is in " + r.Aside + ", with its keys: remove it when it is not needed any more.\n"
	}
	_, err := io.WriteString(o.tty.out, text)
	return err
}

// inBackup says what a backup holds, as lines.
func inBackup(r api.Restored) string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"Made", r.Made.Local().Format(time.DateTime) + ", by homeward " + plain(r.Homeward)}, {"House", plain(r.House)}, {"Devices", fmt.Sprint(r.Devices)},
		{"They call", plain(r.Endpoint)}, {"Server's key", r.PublicKey}, {"UDP port", fmt.Sprint(r.Port)}, {"Networks", strings.Join(r.Networks, ", ")},
	} {
		if line[1] != "" {
			fmt.Fprintf(t, "  %s:\t%s\n", line[0], line[1])
		}
	}
	_ = t.Flush() // a builder takes everything
	return b.String()
}
