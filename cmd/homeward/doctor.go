package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"homeward/tunnel"
	"homeward/web/api"
)

func newDoctor(o *options) *cobra.Command {
	var full bool
	var bundle string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what works and what does not, with all that helps to find out why",
		Long: `Say what works and what does not, with all that helps to find out why.

Public addresses, the house's name and the devices' names are masked, so that the
report can be shown to those who help. What is equal is equal in the report, too.

With --bundle it goes into a ZIP file together with the settings, the devices and the
log, all masked, and without keys.`,
		Example: "  homeward doctor\n  homeward doctor --bundle support.zip",
		Args:    cobra.NoArgs,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			if bundle != "" {
				return writeBundle(c.Context(), o.tty.out, client, bundle)
			}
			s, err := client.Status(c.Context())
			if err != nil {
				return err
			}
			if !full {
				list, err := client.Peers(c.Context())
				var sheltered *api.Problem // it names no devices then
				if err != nil && (!errors.As(err, &sheltered) || sheltered.Status != http.StatusServiceUnavailable) {
					return err
				}
				s = newMask(s.Names, list).status(s)
			}
			if o.json {
				return printJSON(o.tty.out, s)
			}
			if err := printDoctor(o.tty.out, s); err != nil || full {
				return err
			}
			_, err = fmt.Fprintln(o.tty.out, "\nPublic addresses and names are masked: --full shows them.")
			return err
		}),
	}
	cmd.Flags().BoolVar(&full, "full", false, "show public addresses and names")
	cmd.Flags().StringVar(&bundle, "bundle", "", "write a masked file for those who help, with the log")
	cmd.MarkFlagsMutuallyExclusive("full", "bundle")
	return cmd
}

// writeBundle writes a support bundle to a file that is not there yet.
func writeBundle(ctx context.Context, out io.Writer, client *api.Client, path string) error {
	b, err := client.Support(ctx)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("--bundle %.200q: there is such a file: choose another name", path)
	}
	if err != nil {
		return fmt.Errorf("--bundle: %w", err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("--bundle: %w", errors.Join(err, os.Remove(path)))
	}
	_, err = fmt.Fprintf(out, "Written to %s. Names and public addresses are masked; look through it before you pass it on.\n", path)
	return err
}

func printDoctor(w io.Writer, s api.Status) error {
	if err := printStatus(w, s); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("\n")
	for _, e := range s.Reachability.Evidence {
		fmt.Fprintf(&b, "  %-22s %s by %s at %s %s\n", "came in from outside", plain(e.Kind), e.Family, e.At.Local().Format(time.DateTime), plain(e.From))
	}
	for _, f := range s.Facts {
		fmt.Fprintf(&b, "  %-22s %s\n", f.Name, plain(f.Value))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// udpPorts are the ports that are listened on, the first one first.
func udpPorts(t tunnel.Status) string {
	s := fmt.Sprint(t.ListenPort)
	for _, p := range t.Further {
		s += fmt.Sprintf(", and %d, since the router does not give the first one", p)
	}
	return s
}

// findings are the facts behind the joints.
func (a *appliance) findings(now time.Time) []api.Fact {
	t, r := a.tunnel.Status(), a.router()
	list := []api.Fact{
		{Name: "data plane", Value: fmt.Sprintf("%s. %s", t.Plane, t.Reason)},
		{Name: "UDP port", Value: udpPorts(t)},
		{Name: "gateway", Value: "none"},
		{Name: "router verdict", Value: fmt.Sprintf("%s, since %s", r.Verdict, r.Since.Local().Format(time.DateTime))},
	}
	if r.Gateway.Addr.IsValid() {
		list[2].Value = fmt.Sprintf("%v on %s, we are %v", r.Gateway.Addr, r.Gateway.Interface, r.Gateway.Self)
	}
	add := func(name, value string) {
		if value != "" {
			list = append(list, api.Fact{Name: name, Value: value})
		}
	}
	add("container", a.networks.Load().problem)
	add("router", r.Router.Name)
	add("spoken to by", r.Router.Via)
	add("because", r.Router.Why)
	add("router's problem", r.Problem)
	add("seen from outside", a.echo.Load().fact())
	if m := r.Mapping; m != nil {
		add("mapping", fmt.Sprintf("%v to %v by %s", m.External, m.Internal, m.Via))
		lease := "without end"
		if m.Granted > 0 {
			lease = fmt.Sprintf("%v, renewed in %v", m.Granted, m.RenewAfter.Sub(now).Round(time.Second))
		}
		add("lease", lease)
		if !m.VerifiedAt.IsZero() {
			add("read back", m.VerifiedAt.Local().Format(time.DateTime))
		}
	}
	if r.WAN.IsValid() {
		add("router's own address", r.WAN.String())
	}
	add("at home", hairpinFact(a.atHome()))
	for _, p := range a.networks.Load().lan {
		add("LAN", p.String())
	}
	for _, p := range a.identity.Plan.Own() {
		add("tunnel", p.String())
	}
	add("devices", fmt.Sprint(len(a.peers.List())))
	for _, f := range a.forwardBook().Forwards() {
		add("kept open", strings.TrimSpace(fmt.Sprintf("%s: %s. %s", portsOf(f), forwardStates[f.State], f.Problem)))
	}
	list = append(list, arrivalFacts(t.Arrivals, insider{r.WAN, a.networks.Load().home}, now)...)
	counted := a.tunnel.Counters()
	add("open flows", fmt.Sprint(counted.Flows))
	add("refused packets", refusals(counted))
	add("flows at most", t.Limits)
	add("memory", a.budget.String())
	add("goroutines", fmt.Sprint(runtime.NumGoroutine()))
	add("live heap (KiB)", fmt.Sprint(liveHeap()>>10))
	add("admin page", a.page.base)
	for _, r := range a.hardened {
		holds := r.Means
		if r.Problem != "" {
			holds = "not held: " + r.Means + ": " + r.Problem
		}
		add("protection", holds)
	}
	add("state directory", a.state.Dir())
	return list
}

// liveHeap is what the garbage collector found in use the last time, in bytes.
// What the system counts goes up and down with the collector's mood.
func liveHeap() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}

// refusals says what the packet filter dropped, by reason.
func refusals(c tunnel.Counters) string {
	var parts []string
	for _, r := range tunnel.Reasons() {
		n := c.Strangers.Of(r)
		for _, p := range c.Peers {
			n += p.Drops.Of(r)
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", r, n))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
