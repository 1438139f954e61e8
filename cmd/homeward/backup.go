package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/api"
	"homeward/web/words"
)

func newBackup(o *options) *cobra.Command {
	var recovery bool
	var passphraseFile string
	c := &cobra.Command{
		Use: "backup [FILE]", Short: "Write all that homeward knows to one sealed file", Args: cobra.MaximumNArgs(1),
		Long: `Write all that homeward knows to one sealed file: keys, devices, accounts, rules and
history. "homeward restore FILE" makes the same homeward of it on another box, and no
phone needs a new code. The operator's file (homeward.toml) belongs to the box and is not
in it: who has written one copies it, too.

The file is sealed with a passphrase that is asked for, or read as one line from
standard input; with --recovery it is sealed for the recovery code. It is an age file
(age-encryption.org) and nobody can read it without the one or the other: homeward
cannot help who lost both. A FILE of "-" is standard output.`,
		Example: `  homeward backup
  homeward backup /mnt/usb/homeward.backup
  homeward backup --recovery - | ssh nas 'cat > homeward.backup'
  homeward backup nightly --to /mnt/usb/backups`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			file := backupName(time.Now())
			if len(args) == 1 {
				file = args[0]
			}
			in := api.BackupWanted{Recovery: recovery}
			if !recovery {
				var err error
				if in.Passphrase, err = newPassphrase(o.tty, passphraseFile); err != nil {
					return err
				}
			}
			write := func(w io.Writer) error { return client.MakeBackup(c.Context(), in, w) }
			if file == "-" {
				return write(o.tty.out)
			}
			var size int64
			err := o.tty.working("Sealing what homeward knows", func() (err error) {
				size, err = writeBackup(file, write)
				return err
			})
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, writtenBackup{file, size})
			}
			_, err = fmt.Fprintf(o.tty.out, "%s is written (%s). Keep it, and what opens it, in another place than this box.\n", file, words.Size(uint64(size)))
			return err
		}),
	}
	c.Flags().BoolVar(&recovery, "recovery", false, "seal for the recovery code instead of a passphrase")
	c.Flags().StringVar(&passphraseFile, "passphrase-file", "", "read the passphrase from the first line of this file")
	c.MarkFlagsMutuallyExclusive("recovery", "passphrase-file")
	c.AddCommand(newBackupCode(o), newBackupNightly(o))
	return c
}

// writtenBackup is what "backup --json" prints.
type writtenBackup struct {
	File string `json:"file"`
	Size int64  `json:"size_bytes"`
}

// newPassphrase asks twice, or reads a line.
func newPassphrase(tty terminal, file string) (string, error) {
	if file != "" {
		return firstLine(file)
	}
	return readTwice(tty, "passphrase")
}

// firstLine reads a secret from a file.
func firstLine(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("reading the passphrase: %w", err)
	}
	defer f.Close()
	line, err := readLine(f)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the passphrase from %s: %w", file, err)
	}
	return line, nil
}

// writeBackup makes the file: whole, for its owner only, and in no other's place.
func writeBackup(name string, write func(io.Writer) error) (size int64, err error) {
	if _, err := os.Lstat(name); err == nil {
		return 0, fmt.Errorf("%s is there already: choose another name", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".homeward-*.new") // 0600
	if err != nil {
		return 0, fmt.Errorf("making %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = write(f)
	if err == nil {
		size, err = f.Seek(0, io.SeekCurrent)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return 0, err
	}
	return size, syncFolder(filepath.Dir(name))
}

// syncFolder has the names in a folder on the disk: what is said to be written is there
// after a power cut.
func syncFolder(name string) error {
	if runtime.GOOS == "windows" { // which does that by itself, and refuses to be asked
		return nil
	}
	d, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("opening the folder %s: %w", name, err)
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) { // some network shares can't
		err = nil
	}
	return errors.Join(err, d.Close())
}

func newBackupCode(o *options) *cobra.Command {
	var replace bool
	c := &cobra.Command{
		Use: "recovery-code", Short: "Make the recovery code that opens backups, and show it once", Args: cobra.NoArgs,
		Long: `Make the recovery code that opens backups, and show it once. Write it down: homeward
keeps only the half that seals. Nightly backups are sealed for it.

--replace makes another one. Backups that were sealed for the one of before are opened
by that one still, and by no other.`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			code, err := client.NewRecoveryCode(c.Context(), replace)
			var p *api.Problem
			if errors.As(err, &p) && !replace {
				return fmt.Errorf("%w: --replace makes one nevertheless", err)
			}
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, code)
			}
			_, err = fmt.Fprintf(o.tty.out, "Write this down, and keep it away from this box. It is shown only now.\n\n  %s\n\nIt opens the backups that are sealed for it from now on, with 'homeward restore'.\n", code.Code)
			return err
		}),
	}
	c.Flags().BoolVar(&replace, "replace", false, "make another one where there is one")
	return c
}

func newBackupNightly(o *options) *cobra.Command {
	var in api.NightlyWanted
	c := &cobra.Command{
		Use: "nightly --to FOLDER", Short: "Write a backup to a folder every night", Args: cobra.ArbitraryArgs,
		Long: `Write a backup to a folder every night, sealed for the recovery code, and one at once.
The newest seven stay, or as many as --keep says. "homeward status" tells when the last
one was written, and what is wrong when one could not be.

homeward must have the right to write to the folder. Under systemd its service has no
right to any but its own: make a group for the folder, allow both in a drop-in, and
restart it:

  groupadd --system homeward-backup
  install -d -m 2770 -g homeward-backup FOLDER
  mkdir -p /etc/systemd/system/homeward.service.d
  printf '[Service]\nSupplementaryGroups=homeward-backup\nReadWritePaths=FOLDER\n' \
    > /etc/systemd/system/homeward.service.d/backup.conf
  systemctl daemon-reload && systemctl restart homeward

The folder "backups" in the state directory needs none of this; copy it elsewhere, since
it is lost with the box.`,
		Example: `  homeward backup recovery-code
  homeward backup nightly --to /mnt/usb/homeward
  homeward backup nightly show
  homeward backup nightly off`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			if in.Folder == "" || len(args) > 0 {
				return usage(fmt.Errorf("give the folder with --to, or 'off' or 'show': see '%s --help'", c.CommandPath()))
			}
			folder, err := filepath.Abs(in.Folder)
			if err != nil {
				return err
			}
			in.Folder = folder
			s, err := client.SetNightlyBackup(c.Context(), in)
			if err != nil {
				return err
			}
			return o.printNightly(s)
		}),
	}
	c.Flags().StringVar(&in.Folder, "to", "", "the folder")
	if err := c.MarkFlagDirname("to"); err != nil {
		panic(err) // there is no such flag
	}
	c.Flags().IntVar(&in.Keep, "keep", 0, "how many stay (default 7)")
	c.AddCommand(&cobra.Command{
		Use: "off", Short: "Write no more; those that there are stay", Args: cobra.NoArgs,
		Long: "Write no more backups at night. Those that there are stay.",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			if err := client.StopNightlyBackup(c.Context()); err != nil {
				return err
			}
			_, err := fmt.Fprintln(o.tty.out, "No backup is written at night any more.")
			return err
		}),
	}, &cobra.Command{
		Use: "show", Short: "Say where to, and how the last one went", Args: cobra.NoArgs,
		Long: "Say where to a backup is written every night, when the last one was, and what is wrong\nwhen it could not be.",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			s, err := client.Backup(c.Context())
			if err != nil {
				return err
			}
			return o.printNightly(s)
		}),
	})
	return c
}

func (o *options) printNightly(s api.BackupState) error {
	if o.json {
		return printJSON(o.tty.out, s)
	}
	text := "No backup is written at night. 'homeward backup nightly --to FOLDER' changes that.\n"
	if n := s.Nightly; n != nil {
		text = fmt.Sprintf("A backup is written to %s every night, and the newest %d stay.\n", plain(n.Folder), n.Keep)
		if !n.Last.IsZero() {
			text += fmt.Sprintf("The last one: %s.\n", n.Last.Local().Format(time.DateTime))
		}
	}
	_, err := io.WriteString(o.tty.out, text+backupProblem(s))
	return err
}

// backupProblem is what is wrong and what to do, as lines, or empty.
func backupProblem(s api.BackupState) string {
	if s.Problem == "" {
		return ""
	}
	return fmt.Sprintf("Problem: %s.\nWhat to do: %s.\n", plain(s.Problem), plain(s.Advice))
}

// backupLine says in a status how old the last backup is.
func backupLine(s api.BackupState, now time.Time) string {
	mark, text := "look here", "none was made yet: 'homeward backup' makes one"
	if !s.Last.IsZero() {
		mark, text = "works", "the last one was made "+words.Ago(now.Sub(s.Last))
	}
	if s.Nightly != nil {
		text += ", every night to " + s.Nightly.Folder
	}
	if s.Problem != "" {
		mark, text = "look here", text+". "+s.Problem
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  %-8s %-14s %s\n", "Backup", mark, plain(words.Sentence(text)))
	if s.Advice != "" {
		fmt.Fprintf(&b, "  %-8s %-14s → %s\n", "", "", plain(words.Sentence(s.Advice)))
	}
	return b.String()
}
