package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homeward/cmd/homeward/internal/service"
	"homeward/cmd/homeward/internal/update"
	"homeward/configs/release"
	"homeward/configs/state"
	"homeward/web/api"
)

// updateKeys are the public keys whose releases are believed, in base64 with
// commas in between, and updateFrom is where the newest release lies. Both are
// set at build time by scripts/release.
var updateKeys, updateFrom string

func newUpdate(o *options) *cobra.Command {
	var from, keys, restart string
	var check, back, security bool
	var patience time.Duration
	c := &cobra.Command{
		Use: "update", Short: "Replace this program by a newer release", Args: cobra.NoArgs,
		Long: `Replace this program by a newer release, and restart the service.

The release is a folder or an address with its manifest, signature and programs;
a folder needs no network. Only what is signed by a key that this program was
built with, newer and not expired is installed. When the new version does not
work as well as the old one did, the old one comes back by itself. It stays
beside the new one as "homeward.previous" until the next update.

With --security a newer release is installed only if the installed version has a hole
that it mends. "homeward service install --auto-update" has the system do that every
night.

Programs that came by a package or in a container are updated by those means.`,
		Example: "  homeward update --check\n  homeward update --from /mnt/stick/homeward-1.2.3\n  homeward update --back",
		RunE: func(c *cobra.Command, _ []string) error {
			target, err := updatable()
			if err != nil {
				return err
			}
			box, err := o.managed(restart)
			if err != nil {
				return err
			}
			if back {
				return o.updateBack(c.Context(), target, box)
			}
			cfg := update.Config{Installed: version, Platform: release.Platform(), Target: target, Patience: patience}
			if cfg.Keys, err = release.ParseKeys(updateKeys + "," + keys); err != nil {
				return usage(err)
			}
			if from == "" {
				return usage(errors.New("this program was not told where releases lie: give a folder or an address with --from"))
			}
			if cfg.Source, err = update.NewSource(from); err != nil {
				return usage(err)
			}
			offer, err := update.Check(c.Context(), cfg)
			if errors.Is(err, update.ErrNotNewer) && (security || !c.Flags().Changed("from")) {
				return o.saidUpdate(updated{}, "%s is the newest version.\n", version)
			}
			if err != nil {
				return err
			}
			if security && !offer.Urgent {
				return o.saidUpdate(updated{Offered: offer.Version}, "%s can be installed; no hole is known of %s.\n", offer.Version, version)
			}
			if check {
				return o.saidUpdate(updated{Offered: offer.Version, Urgent: offer.Urgent}, "%s can be installed; this is %s.\n", offer.Version, version)
			}
			if err := offer.Install(c.Context(), box); err != nil {
				return err
			}
			return o.saidInstalled(offer.Version, box)
		},
	}
	c.Flags().StringVar(&from, "from", updateFrom, "folder or address of the release")
	c.Flags().StringVar(&keys, "key", "", "a further public key (base64) to believe, this once")
	c.Flags().BoolVar(&check, "check", false, "say whether there is a newer version, and install nothing")
	c.Flags().BoolVar(&security, "security", false, "install it only if the installed version has a hole that it mends")
	c.Flags().BoolVar(&back, "back", false, "put the version before the last update back")
	c.MarkFlagsMutuallyExclusive("back", "security")
	c.Flags().DurationVar(&patience, "patience", update.DefaultPatience, "how long until the new version must work as well as the old one")
	c.Flags().StringVar(&restart, "restart", "auto", "end the running homeward, so that its service manager starts the new one: yes, no, or auto (if it is a service)")
	return c
}

// updatable finds this program's own file, if it may be replaced.
func updatable() (string, error) {
	if runtime.GOOS == "windows" {
		return "", errors.New("updating: Windows does not let a program be replaced while it runs: stop homeward and replace its file by the new one")
	}
	target, err := os.Executable()
	if err == nil {
		target, err = filepath.EvalSymlinks(target)
	}
	if err != nil {
		return "", fmt.Errorf("updating: finding this program: %w", err)
	}
	if strings.HasPrefix(target, "/usr/bin/") {
		return "", fmt.Errorf("updating: %s belongs to a package: update that (apt, dnf)", target)
	}
	if target == "/homeward" {
		return "", errors.New("updating: a container is updated by its image")
	}
	return target, nil
}

func (o *options) updateBack(ctx context.Context, target string, box *managedBox) error {
	began := time.Now()
	if info, err := os.Stat(target); err == nil {
		began = info.ModTime() // when the version came that goes now
	}
	if err := update.Back(target); err != nil {
		return err
	}
	if _, err := box.Health(ctx); err == nil {
		if err := box.Restart(ctx); err != nil {
			return err
		}
	}
	if box.restarts {
		bound, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		if err := box.Rewind(bound, began); err != nil {
			return err
		}
	}
	return o.saidUpdate(updated{Back: true}, "The version before is back.\n")
}

func (o *options) saidInstalled(version string, box *managedBox) error {
	text := "Version %s is installed and runs.\n"
	if !box.asked {
		text = "Version %s is installed. Start homeward again to run it.\n"
	}
	return o.saidUpdate(updated{Offered: version, Installed: true, Runs: box.asked}, text, version)
}

// updated is what "update --json" prints.
type updated struct {
	Version   string `json:"version"`           // of the program that was asked
	Offered   string `json:"offered,omitempty"` // a newer one
	Urgent    bool   `json:"urgent"`            // it mends a hole
	Installed bool   `json:"installed"`
	Runs      bool   `json:"runs"` // so that nobody has to start it
	Back      bool   `json:"back"` // the one of before is there again
}

// saidUpdate says what became of an update.
func (o *options) saidUpdate(u updated, text string, args ...any) error {
	if o.json {
		u.Version = version
		return printJSON(o.tty.out, u)
	}
	_, err := fmt.Fprintf(o.tty.out, text, args...)
	return err
}

// managedBox is the running homeward, if there is a service manager that starts
// it again.
type managedBox struct {
	client   *api.Client
	socket   string
	stateDir string
	restarts bool
	asked    bool // to restart
}

// managed finds out whether somebody starts homeward again when it ends.
func (o *options) managed(restart string) (*managedBox, error) {
	s, err := o.settings()
	if err != nil {
		return nil, err
	}
	b := &managedBox{socket: filepath.Join(s.StateDir, socketFile), stateDir: s.StateDir}
	b.client = api.NewClient(b.socket)
	switch restart {
	case "yes":
		b.restarts = true
	case "no":
	case "auto":
		if m, err := service.Detect("/"); err == nil {
			files, err := service.Installed(service.Config{Manager: m})
			b.restarts = err == nil && len(files) > 0
		}
	default:
		return nil, usage(fmt.Errorf("--restart %.40q is not one of yes, no, auto", restart))
	}
	return b, nil
}

var errUnmanaged = errors.New("nobody would start homeward again")

// Health implements update.Appliance.
func (b *managedBox) Health(ctx context.Context) (update.Health, error) {
	if !b.restarts {
		return update.Health{}, errUnmanaged
	}
	s, err := b.client.Status(ctx)
	if err != nil {
		return update.Health{}, err
	}
	peers, err := b.client.Peers(ctx)
	if err != nil {
		return update.Health{}, err
	}
	h := update.Health{Version: s.Version, Peers: len(peers), Works: map[string]bool{}}
	for _, j := range s.Joints {
		h.Works[j.Key] = j.State == api.JointWorking
	}
	return h, nil
}

// Restart implements update.Appliance: it asks the process behind the socket to
// end.
func (b *managedBox) Restart(context.Context) error {
	b.asked = true
	pid, err := peerOf(b.socket)
	if errors.Is(err, errNobodyListens) {
		return nil // it crashes, and is being started again already
	}
	if err != nil {
		return err
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	if err := p.Signal(terminate); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("asking homeward (process %d) to end: %w", pid, err)
	}
	return nil
}

// Rewind implements update.Appliance.
func (b *managedBox) Rewind(ctx context.Context, since time.Time) error {
	return state.Rewind(ctx, b.stateDir, since)
}
