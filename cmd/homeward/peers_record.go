package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/peers/history"
	"homeward/web/api"
	"homeward/web/words"
)

// recordFlags are the flags for what can be chosen about a device.
type recordFlags struct {
	name, kind, note, profile, access string
	dns                               bool
	routes, resolvers                 string
	keepalive                         time.Duration
	expires                           string
	idle                              int
}

func (r *recordFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.kind, "kind", "other", "what it is: phone, laptop, tablet, router, tv or other")
	f.StringVar(&r.note, "note", "", "a note for yourself")
	f.StringVar(&r.profile, "profile", "", "what goes through the tunnel: home, or everything (new devices: as set for the house)")
	f.StringVar(&r.access, "access", "", "what it may reach: everything, home, or internet (new devices: as set for the house)")
	f.BoolVar(&r.dns, "dns", true, "whether its config names homeward for looking names up (new devices: as set for the house)")
	f.StringVar(&r.routes, "allowed-ips", "", "networks that go through its tunnel, with commas, instead of those of the profile; '' for those again")
	f.StringVar(&r.resolvers, "resolvers", "", "DNS servers that it asks, with commas, instead of homeward; '' for homeward again")
	f.DurationVar(&r.keepalive, "keepalive", 25*time.Second, "how often it shows that it is still there; 0 for not at all")
	f.StringVar(&r.expires, "expires", "", "when its access ends: 12h, 7d, 2w, a day such as 2026-12-24 (its end), a time as in RFC 3339, or never")
	f.IntVar(&r.idle, "idle-days", 0, "disable it after as many days without a sign of it; 0 for never")
}

// change is what of the flags was given.
func (r *recordFlags) change(given func(string) bool, now time.Time) (api.PeerChange, error) {
	var c api.PeerChange
	for flag, set := range map[string]func(){
		"name": func() { c.Name = &r.name }, "kind": func() { c.Kind = &r.kind }, "note": func() { c.Note = &r.note },
		"profile": func() { c.Profile = &r.profile }, "access": func() { c.Access = &r.access }, "dns": func() { c.DNS = &r.dns },
		"allowed-ips": func() { c.Routes = &r.routes }, "resolvers": func() { c.Resolvers = &r.resolvers },
		"idle-days": func() { c.IdleDays = &r.idle },
	} {
		if given(flag) {
			set()
		}
	}
	if given("keepalive") {
		n := int(r.keepalive / time.Second)
		if r.keepalive%time.Second != 0 {
			return c, usage(fmt.Errorf("--keepalive %v: whole seconds are needed", r.keepalive))
		}
		c.Keepalive = &n
	}
	if given("expires") {
		t, err := parseEnd(r.expires, now)
		if err != nil {
			return c, usage(fmt.Errorf("--expires %.40q: %w", r.expires, err))
		}
		c.Expires = &t
	}
	return c, nil
}

func newPeersAdd(o *options) *cobra.Command {
	var flags recordFlags
	var key string
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a device and show its code", Args: exactly(1, "the device's name"),
		Long: `Add a device and show its code.

Its private key is made for the code and forgotten ten minutes later. A device that
makes its own keys, such as a router, is added by its public key instead.`,
		Example: `  homeward peers add "Anna's phone"
  homeward peers add --profile everything laptop
  homeward peers add --access internet --profile everything --expires 7d guest
  homeward peers add --public-key 'XY…=' router`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			change, err := flags.change(c.Flags().Changed, time.Now())
			if err != nil {
				return err
			}
			in := api.NewPeer{Name: args[0], Kind: flags.kind, Note: flags.note, Routes: flags.routes, Resolvers: flags.resolvers, DNS: change.DNS, Keepalive: change.Keepalive, IdleDays: flags.idle, PublicKey: key}
			// What is not said is as the house has it for new devices.
			if change.Profile != nil {
				in.Profile = *change.Profile
			}
			if change.Access != nil {
				in.Access = *change.Access
			}
			if change.Expires != nil {
				in.Expires = *change.Expires
			}
			issued, err := client.AddPeer(c.Context(), in)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, issued)
			}
			return showIssued(c.Context(), o, client, issued, key != "")
		}),
	}
	flags.register(c)
	c.Flags().StringVar(&key, "public-key", "", "public key of a device that keeps its own private key")
	return c
}

func newPeersEdit(o *options) *cobra.Command {
	var flags recordFlags
	c := &cobra.Command{
		Use: "edit NAME|ID", Short: "Change what is known about a device, or what it may do", Args: exactly(1, "the device's name or number"),
		Long: `Change what is known about a device, or what it may do. Only the flags that are
given change anything. What is part of its code (--profile, --dns, --keepalive,
--allowed-ips, --resolvers) reaches the device with a new one: homeward peers rotate.`,
		Example: `  homeward peers edit "Anna's phone" --name "Anna's old phone" --note "screen broken"
  homeward peers edit guest --expires 2w
  homeward peers edit guest --expires never --idle-days 30
  homeward peers edit work --allowed-ips 192.168.1.20,10.8.0.0/16 --resolvers 192.168.1.1`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			change, err := flags.change(c.Flags().Changed, time.Now())
			if err != nil {
				return err
			}
			if change == (api.PeerChange{}) {
				return usage(fmt.Errorf("nothing to change: see '%s --help'", c.CommandPath()))
			}
			p, err := findPeer(c.Context(), client, args[0])
			if err != nil {
				return err
			}
			if p, err = client.EditPeer(c.Context(), p.ID, change); err != nil {
				return err
			}
			return showPeer(c.Context(), o, client, p)
		}),
	}
	flags.register(c)
	c.Flags().StringVar(&flags.name, "name", "", "what to call it from now on")
	return c
}

func newPeersAccess(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "access NAME|ID GRANTS", Short: "Change what a device may reach, at once",
		Long: `Change what a device may reach, at once; what is open and not granted any more is
cut. Grants have semicolons between them:

  everything | home | internet | nothing   one of them, or none, which means nothing
  peers                                    other people's devices
  admin                                    the admin page
  box [SERVICES]                           this box itself, but for the admin page
  WHERE [SERVICES]                         an address, a prefix or a range at home or outside

SERVICES are tcp, udp and icmp, the first two with a port or a range of ports if
wanted; without any, all of them.`,
		Args: exactly(2, "the device, and what it may reach"),
		Example: `  homeward peers access guest internet
  homeward peers access guest "internet; 192.168.1.30 tcp/631 tcp/9100"
  homeward peers access work "192.168.1.20 tcp/445; box tcp/22"`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			p, err := findPeer(c.Context(), client, args[0])
			if err != nil {
				return err
			}
			if p, err = client.EditPeer(c.Context(), p.ID, api.PeerChange{Access: &args[1]}); err != nil {
				return err
			}
			return showPeer(c.Context(), o, client, p)
		}),
	}
}

func showPeer(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
	if o.json {
		return printJSON(o.tty.out, p)
	}
	if err := printPeer(o.tty.out, p, time.Now()); err != nil {
		return err
	}
	return printTotals(ctx, o.tty.out, client, p.ID)
}

// printTotals says how much went through a device's tunnel.
func printTotals(ctx context.Context, w io.Writer, client *api.Client, id int64) error {
	for _, span := range []struct {
		words string
		of    history.Span
	}{{"24 hours", history.SpanDay}, {"30 days", history.SpanMonth}} {
		sum, err := client.Traffic(ctx, id, span.of)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "In the last %s: %s received, %s sent\n", span.words, words.Size(sum.Received), words.Size(sum.Sent)); err != nil {
			return err
		}
	}
	return nil
}

// printPeer prints all about one device.
func printPeer(w io.Writer, p api.Peer, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s:\t%s\n", name, value)
		}
	}
	line("Name", plain(p.Name))
	line("Number", fmt.Sprint(p.ID))
	line("Kind", p.Kind)
	for i, l := range strings.Split(p.Note, "\n") {
		line(map[bool]string{true: "Note", false: " "}[i == 0], plain(l))
	}
	line("State", stateInWords(p))
	if p.Expires != nil {
		line("Ends", p.Expires.Local().Format("2006-01-02 15:04:05"))
	}
	if p.IdleDays > 0 {
		line("Disabled after", fmt.Sprintf("%d days without a sign of it", p.IdleDays))
	}
	line("Through home", p.Profile)
	line("Networks", p.Routes)
	line("May reach", p.Access)
	line("Addresses", strings.Join(p.Addresses, " "))
	line("Names", map[bool]string{true: "looked up at home", false: "looked up elsewhere"}[p.DNS])
	line("DNS servers", p.Resolvers)
	line("Keepalive", fmt.Sprintf("%d s", p.Keepalive))
	line("Public key", p.PublicKey)
	line("Added", p.Created.Local().Format("2006-01-02 15:04"))
	line("Seen", seen(p.Seen, now))
	line("From", p.Endpoint)
	line("Traffic", words.Size(p.Received)+" received, "+words.Size(p.Sent)+" sent")
	if err := t.Flush(); err != nil {
		return err
	}
	for _, h := range p.Hints {
		if _, err := fmt.Fprintf(w, "→ %s\n", h.Text); err != nil {
			return err
		}
	}
	return printOutdated(w, []api.Peer{p})
}

func stateInWords(p api.Peer) string {
	if p.IdledOut {
		return p.State + " (idle)"
	}
	return p.State
}
