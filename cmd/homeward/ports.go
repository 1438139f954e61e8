package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/api"
)

func newPorts(o *options) *cobra.Command {
	c := &cobra.Command{Use: "ports", Short: "Look at what the router lets into the house", Args: cobra.ArbitraryArgs, RunE: onlyCommands, SuggestionsMinimumDistance: 2,
		Long: "Look at what the router lets into the house, and open or close ports of it."}
	c.AddCommand(newPortsList(o), newPortsAudit(o), newPortsClose(o), newPortsGuide(o), newPortsByHand(o), newPortsOpen(o), newPortsRules(o))
	return c
}

// portsCommand is a command that reads the router's table and prints it.
func portsCommand(o *options, use, short, long string, print func(io.Writer, api.PortTable) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Args: cobra.NoArgs,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			t, err := client.Ports(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, t)
			}
			return print(o.tty.out, t)
		}),
	}
}

func newPortsList(o *options) *cobra.Command {
	return portsCommand(o, "list", "List all ports that the router has opened by UPnP, ours and others'", "List all ports that the router has opened by UPnP, ours and others', with where each\nleads to. What was entered by hand on the router is not told by most routers.", printPorts)
}

func printPorts(w io.Writer, t api.PortTable) error {
	if len(t.Ports) == 0 {
		_, err := fmt.Fprintln(w, "The router has opened no port.")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "PORT\tLEADS TO\tDEVICE\tFOR\tENDS\tSTATE\tRISK")
	for _, p := range t.Ports {
		name, state := plain(p.Description), "on"
		if p.Ours {
			name = "homeward (this box)"
		}
		if p.Kept {
			name = "homeward (kept open)"
		}
		if !p.Enabled {
			state = "off"
		}
		ends := "never, or not told"
		if p.Lease > 0 {
			ends = "in " + (time.Duration(p.Lease) * time.Second).String()
		}
		fmt.Fprintf(tw, "%s %d\t%s\t%s\t%s\t%s\t%s\t%s\n", plain(p.Protocol), p.External, plain(p.Internal), plain(p.Device), name, ends, state, p.Risk)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if !t.Complete {
		fmt.Fprintln(w, incompleteTable)
	}
	return nil
}

const incompleteTable = "The router has more than these, or stopped telling."

func newPortsClose(o *options) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "close tcp|udp PORT", Short: "Close a port that something else opened on the router",
		Long: `Close a port that something else opened on the router, after a question. What opened it
may open it again. Ports that homeward keeps are closed by "homeward ports rules".`,
		Args:    exactly(2, "the protocol and the port"),
		Example: "  homeward ports close tcp 3389",
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			port, err := strconv.ParseUint(args[1], 10, 16)
			protocol := strings.ToUpper(args[0])
			if err != nil || protocol != "TCP" && protocol != "UDP" {
				return usage(fmt.Errorf("closing %.20q %.20q: tcp or udp and a port are needed", args[0], args[1]))
			}
			if !yes {
				if err := confirm(o.tty, fmt.Sprintf("Close %s %d on the router? What uses it will not be reached any more. [y/N] ", protocol, port)); err != nil {
					return err
				}
			}
			if err := client.ClosePort(c.Context(), protocol, uint16(port)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(o.tty.out, "%s %d is closed. What opened it may open it again: look for UPnP in its settings.\n", protocol, port)
			return err
		}),
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	return c
}
