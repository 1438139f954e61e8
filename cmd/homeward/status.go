package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"homeward/web/api"
	"homeward/web/words"
)

func newStatus(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say what works, what does not, and what to do",
		Long: `Say what works, what does not, and what to do: the way home joint by joint, from the
router's port to the devices.`,
		Example: "  homeward status\n  homeward status --json",
		Args:    cobra.NoArgs,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			s, err := client.Status(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, s)
			}
			return printStatus(o.tty.out, s)
		}),
	}
}

// client talks to the homeward that runs on the chosen state directory.
func (o *options) client() (*api.Client, error) {
	s, err := o.settings()
	if err != nil {
		return nil, err
	}
	return api.NewClient(filepath.Join(s.StateDir, socketFile)), nil
}

// talk makes a command of what asks the running homeward: do gets a client for it,
// and "nobody runs here" gets its exit code.
func (o *options) talk(do func(*cobra.Command, *api.Client, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		client, err := o.client()
		if err == nil {
			err = do(c, client, args)
		}
		if errors.Is(err, api.ErrNotRunning) {
			return &codedError{err, exitNotRunning}
		}
		return err
	}
}

// printStatus prints the way home, joint by joint.
func printStatus(w io.Writer, s api.Status) error {
	marks := map[api.JointState]string{api.JointWorking: "works", api.JointUnknown: "not known yet", api.JointAttention: "look here", api.JointFailed: "does not work"}
	var b strings.Builder
	fmt.Fprintf(&b, "homeward %s\n", s.Version)
	if s.Reachability.Text != "" {
		fmt.Fprintf(&b, "  %s\n", plain(s.Reachability.Text))
	}
	if advice := s.Reachability.Advice; advice != "" && !slices.ContainsFunc(s.Joints, func(j api.Joint) bool { return j.Advice == advice }) {
		fmt.Fprintf(&b, "  → %s\n", plain(advice))
	}
	for _, j := range s.Joints {
		fmt.Fprintf(&b, "  %-8s %-14s %s\n", j.Title, marks[j.State], plain(j.Summary))
		if j.Advice != "" {
			fmt.Fprintf(&b, "  %-8s %-14s → %s\n", "", "", plain(j.Advice))
		}
	}
	b.WriteString(backupLine(s.Backup, time.Now()))
	if s.Guide != nil {
		b.WriteString("\n" + guideText(*s.Guide))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plain takes out what could drive a terminal: router's and people's words are
// among the sentences.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, s)
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// seen says when a device was last here, for a person.
func seen(t *time.Time, now time.Time) string {
	if t == nil {
		return "never"
	}
	return words.Ago(now.Sub(*t))
}

var errNoDevice = errors.New("there is no device")

// findPeer finds a peer by its number or its name.
func findPeer(ctx context.Context, c *api.Client, which string) (api.Peer, error) {
	list, err := c.Peers(ctx)
	if err != nil {
		return api.Peer{}, err
	}
	for _, p := range list {
		if fmt.Sprint(p.ID) == which || strings.EqualFold(p.Name, which) {
			return p, nil
		}
	}
	return api.Peer{}, fmt.Errorf("%w %.80q: 'homeward peers list' shows them", errNoDevice, which)
}
