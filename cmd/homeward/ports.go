package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"homeward/upnp"
	"homeward/web/api"
)

// routerTable shows the port mapper to the API.
type routerTable struct{ mapper *upnp.Mapper }

// Ports implements api.Router.
func (r routerTable) Ports(ctx context.Context) (api.PortTable, error) {
	if r.mapper == nil {
		return api.PortTable{}, &api.Failure{Status: http.StatusConflict, Err: errors.New("the router is not asked for anything: map_port is off")}
	}
	t, err := r.mapper.Table(ctx)
	if err != nil {
		return api.PortTable{}, routerFailure(err)
	}
	out := api.PortTable{Router: t.Router.Name, Complete: t.Complete}
	for _, e := range t.Entries {
		to := strconv.Itoa(int(e.Internal.Port()))
		if e.Internal.Addr().IsValid() {
			to = e.Internal.String()
		}
		out.Ports = append(out.Ports, api.Port{
			Protocol: e.Protocol, External: e.External, Remote: e.Remote, Internal: to, Enabled: e.Enabled,
			Description: e.Description, Lease: int64(e.Lease / time.Second), Ours: e.Ours,
		})
	}
	return out, nil
}

// ClosePort implements api.Router.
func (r routerTable) ClosePort(ctx context.Context, protocol string, external uint16) error {
	if r.mapper == nil {
		return &api.Failure{Status: http.StatusConflict, Err: errors.New("the router is not asked for anything: map_port is off")}
	}
	if err := r.mapper.Close(ctx, protocol, external); err != nil {
		return routerFailure(err)
	}
	return nil
}

// routerFailure gives an error of the router's a status.
func routerFailure(err error) error {
	switch {
	case errors.Is(err, upnp.ErrNoEntry):
		return &api.Failure{Status: http.StatusNotFound, Err: err}
	case errors.Is(err, upnp.ErrOwnEntry), errors.Is(err, upnp.ErrTold), errors.Is(err, upnp.ErrNoTable), errors.Is(err, upnp.ErrNoGateway):
		return &api.Failure{Status: http.StatusConflict, Err: err}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &api.Failure{Status: http.StatusServiceUnavailable, Err: err}
	}
	return err
}

func newPorts(o *options) *cobra.Command {
	c := &cobra.Command{Use: "ports", Short: "Look at what the router lets into the house", Args: cobra.ArbitraryArgs, RunE: onlyCommands, SuggestionsMinimumDistance: 2}
	c.AddCommand(newPortsList(o), newPortsClose(o))
	return c
}

func newPortsList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List all ports that the router has opened by UPnP, ours and others'", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := o.client()
			if err != nil {
				return err
			}
			t, err := client.Ports(c.Context())
			if err != nil {
				return remote(err)
			}
			if o.json {
				return printJSON(o.tty.out, t)
			}
			return printPorts(o.tty.out, t)
		},
	}
}

func printPorts(w io.Writer, t api.PortTable) error {
	if len(t.Ports) == 0 {
		_, err := fmt.Fprintln(w, "The router has opened no port.")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "PORT\tLEADS TO\tFOR\tENDS\tSTATE")
	for _, p := range t.Ports {
		name, state := plain(p.Description), "on"
		if p.Ours {
			name = "homeward (this box)"
		}
		if !p.Enabled {
			state = "off"
		}
		ends := "never, or not told"
		if p.Lease > 0 {
			ends = "in " + (time.Duration(p.Lease) * time.Second).String()
		}
		fmt.Fprintf(tw, "%s %d\t%s\t%s\t%s\t%s\n", plain(p.Protocol), p.External, plain(p.Internal), name, ends, state)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if !t.Complete {
		fmt.Fprintln(w, "The router has more than these, or stopped telling.")
	}
	return nil
}

func newPortsClose(o *options) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "close tcp|udp PORT", Short: "Close a port that something else opened on the router",
		Args:    exactly(2, "the protocol and the port"),
		Example: "  homeward ports close tcp 3389",
		RunE: func(c *cobra.Command, args []string) error {
			port, err := strconv.ParseUint(args[1], 10, 16)
			protocol := strings.ToUpper(args[0])
			if err != nil || protocol != "TCP" && protocol != "UDP" {
				return usage(fmt.Errorf("closing %.20q %.20q: tcp or udp and a port are needed", args[0], args[1]))
			}
			client, err := o.client()
			if err != nil {
				return err
			}
			if !yes {
				if err := confirm(o.tty, fmt.Sprintf("Close %s %d on the router? What uses it will not be reached any more. [y/N] ", protocol, port)); err != nil {
					return err
				}
			}
			if err := client.ClosePort(c.Context(), protocol, uint16(port)); err != nil {
				return remote(err)
			}
			_, err = fmt.Fprintf(o.tty.out, "%s %d is closed. What opened it may open it again: look for UPnP in its settings.\n", protocol, port)
			return err
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	return c
}

// confirm asks a person; where there is none, --yes is needed.
func confirm(tty terminal, question string) error {
	f, ok := tty.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return usage(errors.New("nobody can be asked here: add --yes"))
	}
	fmt.Fprint(tty.err, question)
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(line)); a != "y" && a != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}
