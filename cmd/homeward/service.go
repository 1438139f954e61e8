package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"homeward/cmd/homeward/internal/service"
	"homeward/configs"
	"homeward/configs/state"
	"homeward/tunnel"
)

// serviceFlags are what the service commands share.
type serviceFlags struct {
	root, manager string
	dryRun, purge bool
}

func newService(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "service", Short: "Start homeward with the system", Args: cobra.ArbitraryArgs, RunE: onlyCommands, SuggestionsMinimumDistance: 2,
		Long: `Start homeward with the system: by systemd, OpenRC or SysV init.

These commands write and remove files. They start no program: what the service
manager has to be told is printed, to be run by hand or by scripts/install.sh.
Files that homeward did not make are never changed.`,
	}
	c.AddCommand(newServiceInstall(o), newServiceUninstall(o), newServiceStatus(o))
	return c
}

func (f *serviceFlags) register(c *cobra.Command, changes bool) *cobra.Command {
	c.Flags().StringVar(&f.root, "root", "/", "the system's root folder, to install into an image")
	c.Flags().StringVar(&f.manager, "manager", "", "systemd, openrc or sysv (default: what the system has)")
	if changes {
		c.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be done, and do nothing")
	}
	return c
}

// target finds out where and for what the commands work.
func (f *serviceFlags) target() (service.Config, error) {
	if runtime.GOOS != "linux" {
		return service.Config{}, fmt.Errorf("services are for Linux: on %s let the system's own means run \"homeward serve\"", runtime.GOOS)
	}
	root, err := filepath.Abs(f.root)
	if err != nil {
		return service.Config{}, fmt.Errorf("finding the root folder %q: %w", f.root, err)
	}
	c := service.Config{Root: root, DryRun: f.dryRun}
	if f.manager == "" {
		c.Manager, err = service.Detect(root)
	} else {
		c.Manager, err = service.ParseManager(f.manager)
	}
	return c, usage(err)
}

func newServiceInstall(o *options) *cobra.Command {
	f := &serviceFlags{}
	var binary string
	var autoUpdate bool
	c := f.register(&cobra.Command{
		Use: "install", Short: "Write the service's files, and say how to start it", Args: cobra.NoArgs,
		Long: `Write the service's files, and say how to start it.

The service runs rootless, as a user of its own without any capability. With
--plane tun it gets a network interface, for which it needs CAP_NET_ADMIN, and
CAP_NET_BIND_SERVICE for names inside the tunnel.
Everything else is set in /etc/homeward/homeward.toml or on the page.

With --auto-update the system runs "homeward update --security" every night: a newer
release is installed by itself if this one has a hole, and goes back if it does not
work as well. Installing again keeps that, until --auto-update=false.`,
		Example: "  homeward service install\n  homeward service install --plane tun --dry-run",
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := o.settings(); err != nil {
				return err
			}
			for name := range o.flags {
				if name != "plane" {
					return usage(fmt.Errorf("--%s would be forgotten: write %s into /etc/homeward/homeward.toml", name, strings.ReplaceAll(name, "-", "_")))
				}
			}
			cfg, err := f.target()
			if err != nil {
				return err
			}
			if cfg.Update = autoUpdate; !c.Flags().Changed("auto-update") {
				if cfg.Update, err = service.Updates(cfg); err != nil {
					return err
				}
			} else if autoUpdate && updateFrom == "" {
				return errors.New("--auto-update: this program was not told where releases lie: take one of a release that was made with --from")
			}
			cfg.TUN = o.flags["plane"] == string(tunnel.PlaneTUN)
			if cfg.Binary = binary; binary == "" {
				if cfg.Binary, err = os.Executable(); err != nil {
					return fmt.Errorf("finding this program: %w: say where with --binary", err)
				}
			}
			r, err := service.Install(cfg)
			if err != nil {
				return err
			}
			return o.printReport(r, "Then 'homeward admin setup-link' opens the page.")
		},
	}, true)
	c.Flags().BoolVar(&autoUpdate, "auto-update", false, "install releases that mend a hole by itself, at night")
	c.Flags().StringVar(&binary, "binary", "", "the program's path on that system (default: this one)")
	return c
}

func newServiceUninstall(o *options) *cobra.Command {
	f := &serviceFlags{}
	c := f.register(&cobra.Command{
		Use: "uninstall", Short: "Remove the service's files; keys and devices stay", Args: cobra.NoArgs,
		Long: `Remove the service's files, and what a crashed run left in the system. Stop the
service first: it closes the router's port when it ends. Keys and devices stay
unless --purge is given; then every code in every phone is void.`,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.target()
			if err != nil {
				return err
			}
			if err := sweep(c.Context(), o, cfg); err != nil {
				return err
			}
			r, err := service.Uninstall(cfg, f.purge)
			if err != nil {
				return err
			}
			return o.printReport(r, "")
		},
	}, true)
	c.Flags().BoolVar(&f.purge, "purge", false, "remove keys, devices and everything else that was kept")
	return c
}

// sweep refuses while homeward runs, and removes what a crash left here and on
// the router. A state that cannot be opened is no reason to keep the service.
func sweep(ctx context.Context, o *options, cfg service.Config) error {
	dir := filepath.Join(cfg.Root, service.StateDir)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	s, err := o.settings()
	if err != nil {
		return err
	}
	log := configs.NewLogger(s, o.tty.err)
	st, err := state.Open(ctx, dir, log)
	if errors.Is(err, state.ErrLocked) {
		return fmt.Errorf("the service runs: stop it first: %s", strings.Join(service.Stop(cfg), "; "))
	}
	here := !cfg.DryRun && cfg.Root == "/"
	if err == nil {
		if here {
			err = cleanRouter(ctx, s, st, log)
		}
		err = errors.Join(err, st.Close())
	}
	if err != nil {
		log.Warn("the router could not be cleaned up", "err", err)
	}
	if !here {
		return nil
	}
	return tunnel.Cleanup(s.Interface, dir)
}

func newServiceStatus(o *options) *cobra.Command {
	f := &serviceFlags{}
	return f.register(&cobra.Command{
		Use: "status", Short: "Say whether the service is installed and runs", Args: cobra.NoArgs,
		Long: "Say whether homeward's service is installed, by which files, and whether homeward\nanswers.",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.target()
			if err != nil {
				return err
			}
			files, err := service.Installed(cfg)
			if err != nil {
				return err
			}
			client, err := o.client()
			if err != nil {
				return err
			}
			_, err = client.Status(c.Context())
			s := serviceStatus{Manager: string(cfg.Manager), Files: files, Running: err == nil}
			if o.json {
				return printJSON(o.tty.out, s)
			}
			return s.print(o.tty.out)
		},
	}, false)
}

// serviceStatus is what "service status" prints.
type serviceStatus struct {
	Manager string   `json:"manager"`
	Files   []string `json:"files"`
	Running bool     `json:"running"`
}

func (s serviceStatus) print(w io.Writer) error {
	installed := "not installed by homeward"
	if len(s.Files) > 0 {
		installed = "installed: " + strings.Join(s.Files, ", ")
	}
	running := "nobody answers"
	if s.Running {
		running = "running"
	}
	_, err := fmt.Fprintf(w, "%s\n%s (%s)\n", installed, running, s.Manager)
	return err
}

// printReport says what was done and what remains.
func (o *options) printReport(r service.Report, last string) error {
	if o.json {
		return printJSON(o.tty.out, map[string][]string{"written": r.Written, "removed": r.Removed, "kept": r.Kept, "commands": r.Commands})
	}
	var b strings.Builder
	for _, part := range []struct {
		verb  string
		paths []string
	}{{"written", r.Written}, {"removed", r.Removed}, {"kept", r.Kept}} {
		for _, p := range part.paths {
			fmt.Fprintf(&b, "%s  %s\n", part.verb, p)
		}
	}
	if len(r.Commands) > 0 {
		b.WriteString("Now, as root:\n")
		for _, c := range r.Commands {
			fmt.Fprintf(&b, "  %s\n", c)
		}
	}
	if last != "" {
		fmt.Fprintln(&b, last)
	}
	_, err := io.WriteString(o.tty.out, b.String())
	return err
}
