package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/upnp/forwards"
	"homeward/upnp/risk"
	"homeward/web/api"
)

func newPortsOpen(o *options) *cobra.Command {
	var yes, off bool
	c := &cobra.Command{
		Use: "open NAME tcp|udp PORT[-LAST] MACHINE[:PORT]", Short: "Open another port of the router to a machine at home, and keep it open",
		Long: `Open another port of the router to a machine at home, and keep it open.

It is asked of the router by UPnP, read back, renewed, made again after the router
restarted, and closed when it is switched off or removed, and while homeward does not
run. What is reached through the tunnel needs no such port.`,
		Example: "  homeward ports open \"Web server\" tcp 8443 192.168.1.23:443\n  homeward ports open Games udp 27015-27030 192.168.1.30",
		Args:    exactly(4, "a name, tcp or udp, the port, and the machine's address"),
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			n, err := parseForward(args)
			if err != nil {
				return usage(err)
			}
			n.Off = off
			if worst := riskOf(n); worst.Level == risk.Danger && !yes {
				fmt.Fprintln(o.tty.err, worst.Reason, worst.Advice)
				if err := confirm(o.tty, "Open it all the same? [y/N] "); err != nil {
					return err
				}
			}
			f, err := client.OpenForward(c.Context(), n)
			if err != nil {
				return err
			}
			return settleForward(c.Context(), o, client, f)
		}),
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask, also when it is dangerous")
	c.Flags().BoolVar(&off, "off", false, "keep the rule without opening the port yet")
	return c
}

// parseForward reads the command's arguments. The machine and the name are judged by
// who keeps the rules.
func parseForward(args []string) (api.NewForward, error) {
	n := api.NewForward{Name: args[0], Protocol: strings.ToUpper(args[1])}
	first, last, many := strings.Cut(args[2], "-")
	machine, inner, mapped := strings.Cut(args[3], ":")
	n.Machine = machine
	port := func(text string) uint16 {
		p, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return 0
		}
		return uint16(p)
	}
	n.External = port(first)
	if n.Protocol != "TCP" && n.Protocol != "UDP" || n.External == 0 {
		return n, fmt.Errorf("opening %.20q %.20q: tcp or udp and a port from 1 to 65535 are needed", args[1], args[2])
	}
	if many {
		if n.Last = port(last); n.Last < n.External {
			return n, fmt.Errorf("opening %.20q: the last port must not be before the first one", args[2])
		}
	}
	n.Internal = n.External
	if mapped {
		if n.Internal = port(inner); n.Internal == 0 {
			return n, fmt.Errorf("opening a port to %.40q: after the colon a port from 1 to 65535 is needed", args[3])
		}
	}
	if _, err := netip.ParseAddr(machine); err != nil {
		return n, fmt.Errorf("opening a port to %.40q: the machine's IPv4 address is needed, such as 192.168.1.23", args[3])
	}
	return n, nil
}

// riskOf is what the ports asked for mean.
func riskOf(n api.NewForward) risk.Finding {
	machine, _ := netip.ParseAddr(n.Machine) // the ports are what counts
	count := max(n.Last, n.External) - n.External + 1
	r := forwards.Rule{Protocol: n.Protocol, External: n.External, Count: min(count, 256), To: netip.AddrPortFrom(machine, n.Internal)}
	return judgeRule(r)[0]
}

// settleForward waits a moment for the router's answer, and prints it.
func settleForward(ctx context.Context, o *options, client *api.Client, f api.Forward) error {
	poll := time.NewTicker(200 * time.Millisecond)
	defer poll.Stop()
	limit := time.After(15 * time.Second)
	for done := false; !done && f.State == "waiting"; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit:
			done = true
		case <-poll.C:
		}
		list, err := client.Forwards(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(x api.Forward) bool { return x.ID == f.ID })
		if i < 0 {
			break
		}
		f = list[i]
	}
	if o.json {
		return printJSON(o.tty.out, f)
	}
	_, err := io.WriteString(o.tty.out, forwardText(f))
	return err
}

// forwardText says how a forward stands.
func forwardText(f api.Forward) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d  %s: %s → %s:%d is %s.\n", f.ID, plain(f.Name), portsOf(f), f.Machine, f.Internal, forwardStates[f.State])
	if f.Problem != "" {
		fmt.Fprintf(&b, "   %s\n", plain(f.Problem))
	}
	for _, x := range f.Findings {
		if x.Level != "fine" && f.State == "open" { // what isn't open is no risk
			fmt.Fprintf(&b, "   %s %s\n", x.Reason, x.Advice)
		}
	}
	return b.String()
}

var forwardStates = map[string]string{
	"open": "open", "waiting": "not open yet", "taken": "not open: the port is taken", "refused": "not open: the router refuses",
	"failed": "not open: the router fails", "off": "switched off",
}

// portsOf is a forward's ports outside.
func portsOf(f api.Forward) string {
	if f.Last > f.External {
		return fmt.Sprintf("%s %d-%d", f.Protocol, f.External, f.Last)
	}
	return fmt.Sprintf("%s %d", f.Protocol, f.External)
}

// newPortsRules lists and switches what "ports open" made.
func newPortsRules(o *options) *cobra.Command {
	c := &cobra.Command{
		Use: "rules", Short: "List what is kept open besides, and switch it on or off, or remove it", Args: cobra.NoArgs,
		Long: `List what "homeward ports open" keeps open, and how each is; switch it on or off, or
remove it, by its number in that list.`,
		Example: "  homeward ports rules\n  homeward ports rules off 2",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			list, err := client.Forwards(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, list)
			}
			return printForwards(o.tty.out, list)
		}),
	}
	change := func(use, short, long string, do func(context.Context, *api.Client, int64) error) *cobra.Command {
		return &cobra.Command{
			Use: use + " NUMBER", Short: short, Long: long, Args: exactly(1, "the rule's number"),
			Example: "  homeward ports rules " + use + " 2",
			RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
				id, err := strconv.ParseInt(args[0], 10, 64)
				if err != nil {
					return usage(fmt.Errorf("%.20q is not the number of a rule: 'homeward ports rules' shows them", args[0]))
				}
				return do(c.Context(), client, id)
			}),
		}
	}
	turn := func(on bool) func(context.Context, *api.Client, int64) error {
		return func(ctx context.Context, client *api.Client, id int64) error {
			f, err := client.SwitchForward(ctx, id, on)
			if err != nil {
				return err
			}
			return settleForward(ctx, o, client, f)
		}
	}
	c.AddCommand(
		change("on", "Open a port again that was switched off", "Open a port again that was switched off, and say whether the router did it.", turn(true)),
		change("off", "Close a port and keep its rule", "Close a port and keep its rule, so that it can be opened again as it was.", turn(false)),
		change("remove", "Close a port and forget its rule", "Close a port on the router and forget its rule.", func(ctx context.Context, client *api.Client, id int64) error {
			if err := client.RemoveForward(ctx, id); err != nil {
				return err
			}
			_, err := fmt.Fprintf(o.tty.out, "Rule %d is removed.\n", id)
			return err
		}))
	return c
}

func printForwards(w io.Writer, list []api.Forward) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "Nothing is kept open besides the port by which devices come home.")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NUMBER\tNAME\tPORT\tMACHINE\tSTATE\tRISK")
	for _, f := range list {
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s:%d\t%s\t%s\n", f.ID, plain(f.Name), portsOf(f), f.Machine, f.Internal, forwardStates[f.State], f.Risk)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, f := range list {
		if f.Problem != "" {
			fmt.Fprintf(w, "%d: %s\n", f.ID, plain(f.Problem))
		}
	}
	return nil
}
