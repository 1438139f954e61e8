package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"homeward/configs"
)

// newRoot builds the command line.
func newRoot(tty terminal) *cobra.Command {
	opts := &options{tty: tty, flags: map[string]string{}}
	root := &cobra.Command{
		Use:   "homeward",
		Short: "The way home, guarded: a WireGuard server for your house",
		Long: `homeward is a WireGuard server for a house: it opens its own port on the router
and hands out codes that phones scan.

Start it with "homeward serve", whose help names the settings. The other commands talk
to the running one.

Exit codes: 0 done; 1 it did not work; 2 the command line or a setting is wrong;
3 no homeward runs here.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE:          onlyCommands,

		SuggestionsMinimumDistance: 2,
	}
	root.SetIn(tty.in)
	root.SetOut(tty.out)
	root.SetErr(tty.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w: see '%s --help'", err, c.CommandPath()))
	})
	opts.register(root)
	root.AddCommand(newServe(opts), newStatus(opts), newDoctor(opts), newPeers(opts), newLog(opts), newPorts(opts), newKnock(opts), newDNS(opts), newSettings(opts), newAdmin(opts), newService(opts), newUpdate(opts), newBackup(opts), newRestore(opts), newImport(opts), newCleanup(opts), newVersion(opts), newMan(opts))
	opts.speaksBash(root)
	helpful(root, tty.env)
	opts.completes(root)
	return root
}

// onlyCommands is for a command that only groups others: alone it shows its
// help, and anything else is a mistake.
func onlyCommands(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	hint := ""
	if s := c.SuggestionsFor(args[0]); len(s) > 0 {
		hint = fmt.Sprintf("did you mean %q? ", s[0])
	}
	return usage(fmt.Errorf("there is no command %.40q: %ssee '%s --help'", args[0], hint, c.CommandPath()))
}

// options are the flags that all commands share.
type options struct {
	tty   terminal
	file  string
	json  bool
	flags map[string]string // settings that were given as flags
}

func (o *options) register(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&o.file, "config", "", "the operator's file (default "+configs.DefaultFile(o.tty.env)+" if it exists)")
	f.BoolVar(&o.json, "json", false, "print JSON")
	for _, k := range configs.Keys() {
		v := f.VarPF(&setting{o.flags, k}, k.Flag(), "", k.Short())
		if k.Bool() {
			v.NoOptDefVal = "true"
		}
	}
}

// settings loads the settings; a mistake in them is a mistake in usage.
func (o *options) settings() (configs.Settings, error) {
	s, err := configs.Load(configs.Input{File: o.file, Env: o.tty.env, Flags: o.flags})
	return s, usage(err)
}

// setting is one flag of the table of keys. It keeps the text; configs.Load
// judges it, together with everything else that is wrong.
type setting struct {
	given map[string]string
	key   configs.Key
}

func (s *setting) Set(v string) error { s.given[s.key.Flag()] = v; return nil }
func (s *setting) Type() string       { return "value" }
func (s *setting) String() string {
	if s.given == nil {
		return ""
	}
	return s.given[s.key.Flag()]
}

func newVersion(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Long:  "Print which version of homeward this program is. It asks nobody.",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if o.json {
				return printJSON(o.tty.out, struct {
					Version string `json:"version"`
				}{version})
			}
			_, err := fmt.Fprintln(o.tty.out, "homeward", version)
			return err
		},
	}
}
