package main

import (
	"cmp"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/api"
)

func newSettings(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "settings", Short: "Say what is set for the house, and change it", Args: cobra.ArbitraryArgs, RunE: onlyCommands, SuggestionsMinimumDistance: 2,
		Long: `Say what is set for the house, and change it: where devices call, who answers for
names, and what new devices get. It counts at once. What is read at the start only is
in homeward.toml.`,
	}
	c.AddCommand(newSettingsShow(o), newSettingsSet(o))
	return c
}

func newSettingsShow(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Say what is set", Args: cobra.NoArgs,
		Long: "Say what is set for the house, each with the flag of 'homeward settings set' that\nchanges it.",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			s, err := client.Settings(c.Context())
			if err != nil {
				return err
			}
			return o.printSettings(s)
		}),
	}
}

func newSettingsSet(o *options) *cobra.Command {
	var in struct {
		house, endpoint, resolvers, echo, profile, access string
		mtu                                               int
		dns, keepCodes                                    bool
		keepalive                                         time.Duration
	}
	c := &cobra.Command{
		Use: "set", Short: "Change what is set; only the flags that are given change anything", Args: cobra.NoArgs,
		Long: `Change what is set for the house, at once. Only the flags that are given change
anything. "homeward peers list" says which devices need a new code then.`,
		Example: `  homeward settings set --endpoint home.example.org
  homeward settings set --resolvers "192.168.1.2, 9.9.9.9"
  homeward settings set --profile everything --access internet
  homeward settings set --echo stun.example.org # who may be asked by which address the house is seen
  homeward settings set --echo ""               # nobody, and the page does not ask about it again
  homeward settings set --keep-codes=false      # and erase those that are kept
  homeward settings set --endpoint "" --mtu 0   # back to the defaults`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			var change api.SettingsChange
			for flag, set := range map[string]func(){
				"house": func() { change.House = &in.house }, "endpoint": func() { change.Endpoint = &in.endpoint }, "resolvers": func() { change.Resolvers = &in.resolvers }, "echo": func() { change.Echo = &in.echo },
				"mtu": func() { change.MTU = &in.mtu }, "profile": func() { change.Profile = &in.profile }, "access": func() { change.Access = &in.access }, "dns": func() { change.DNS = &in.dns },
				"keep-codes": func() { change.KeepCodes = &in.keepCodes },
			} {
				if c.Flags().Changed(flag) {
					set()
				}
			}
			if c.Flags().Changed("keepalive") {
				seconds := int(in.keepalive / time.Second)
				if in.keepalive%time.Second != 0 {
					return usage(fmt.Errorf("--keepalive %v: whole seconds are needed", in.keepalive))
				}
				change.Keepalive = &seconds
			}
			if change == (api.SettingsChange{}) {
				return usage(fmt.Errorf("nothing to change: see '%s --help'", c.CommandPath()))
			}
			s, err := client.ChangeSettings(c.Context(), change)
			if err != nil {
				return err
			}
			return o.printSettings(s)
		}),
	}
	f := c.Flags()
	f.StringVar(&in.house, "house", "", "the house's name, on top of each page (default homeward)")
	f.StringVar(&in.endpoint, "endpoint", "", "the name or address that devices call; empty: the house's DNS name, or what the router says")
	f.StringVar(&in.resolvers, "resolvers", "", "DNS servers that are asked for devices, up to three; empty: those of this box")
	f.StringVar(&in.echo, "echo", "", "STUN servers that are asked, after each change and once an hour, by which address they see the house; empty: nobody is asked")
	f.IntVar(&in.mtu, "mtu", 0, "the largest packet of devices in bytes, 1280 to 1412; 0 for 1412")
	f.StringVar(&in.profile, "profile", "home", "what new devices send through the tunnel: home, or everything")
	f.StringVar(&in.access, "access", "everything", "what new devices may reach: everything, home, or internet")
	f.BoolVar(&in.dns, "dns", true, "whether the configs of new devices name homeward for looking names up")
	f.DurationVar(&in.keepalive, "keepalive", 25*time.Second, "how often new devices show that they are still there; 0 for not at all")
	f.BoolVar(&in.keepCodes, "keep-codes", false, "keep the keys of new codes, sealed, so that a code can be shown again; who gets this box and its state directory can use them. Off erases all of them at once")
	return c
}

// printSettings says what is set, with the flag that changes it.
func (o *options) printSettings(s api.Settings) error {
	if o.json {
		return printJSON(o.tty.out, s)
	}
	tw := tabwriter.NewWriter(o.tty.out, 0, 0, 2, ' ', 0)
	row := func(flag, value, does string) { fmt.Fprintf(tw, "--%s\t%s\t%s\n", flag, value, does) }
	mtu := "1412 (the default)"
	if s.MTU != 0 {
		mtu = fmt.Sprint(s.MTU)
	}
	calls := "devices call " + s.Calls + " now"
	if s.Calls == "" {
		calls = "it is not known yet where devices can call"
	}
	if s.Fixed() {
		calls = "endpoint in homeward.toml decides: " + calls
	}
	row("house", cmp.Or(plain(s.House), "homeward (the default)"), "the house's name")
	row("endpoint", cmp.Or(s.Endpoint, "automatic (the default)"), calls)
	row("resolvers", cmp.Or(s.Resolvers, "those of this box (the default)"), "who is asked for names")
	nobody := "nobody (the default: you were not asked yet)"
	if s.EchoAnswered {
		nobody = "nobody (you said so)"
	}
	row("echo", cmp.Or(s.Echo, nobody), "who is asked by which address the house is seen")
	row("mtu", mtu, "largest packet of devices, in bytes")
	row("profile", s.Profile, "what new devices send through the tunnel")
	row("access", s.Access, "what new devices may reach")
	row("dns", fmt.Sprint(s.DNS), "whether new devices look names up at home")
	row("keepalive", fmt.Sprint(time.Duration(s.Keepalive)*time.Second), "how often new devices show that they are there")
	kept := "each code is forgotten after ten minutes"
	if s.KeepCodes {
		kept = "the keys of new codes are kept sealed, so that a code can be shown again"
	}
	row("keep-codes", fmt.Sprint(s.KeepCodes), kept)
	return tw.Flush()
}
