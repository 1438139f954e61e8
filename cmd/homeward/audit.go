package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"homeward/web/api"
)

func newPortsAudit(o *options) *cobra.Command {
	return portsCommand(o, "audit", "Say what each port that the router has opened means, and what to do", "Say of each port that the router has opened whose device it leads to, what can happen,\nand what to do.", printAudit)
}

// unseen is what no look from inside can tell.
const unseen = "Whether the router itself answers to the internet, with its page, UPnP or NAT-PMP, can't be seen from inside the house."

// printAudit prints the table with what there is to say, the worst first.
func printAudit(w io.Writer, t api.PortTable) error {
	var b strings.Builder
	name := plain(cmp.Or(t.Router, "The router"))
	switch n := counts(t); {
	case len(t.Ports) == 0:
		fmt.Fprintf(&b, "%s has opened no port.\n", name)
	default:
		fmt.Fprintf(&b, "%s lets %s into the house: %d dangerous, %d to look at, %d fine.\n", name, many(len(t.Ports), "port"), n["danger"], n["caution"], n["fine"])
	}
	for _, p := range worstFirst(t.Ports) {
		to := plain(p.Internal)
		if p.Device != "" {
			to += " (" + plain(p.Device) + ")"
		}
		what := ""
		if d := plain(p.Description); d != "" {
			what = " “" + d + "”"
		}
		switch {
		case p.Ours:
			what = "" // a proof of ownership may be in it
		case p.Kept:
			what = ", kept open by homeward as you wished"
		}
		fmt.Fprintf(&b, "\n%-8s %s %d → %s%s\n", p.Risk, plain(p.Protocol), p.External, to, what)
		for _, f := range p.Findings {
			fmt.Fprintf(&b, "         %s\n", plain(f.Reason))
			if f.Advice != "" {
				fmt.Fprintf(&b, "         → %s\n", plain(f.Advice))
			}
		}
		if p.Risk != "fine" && !p.Ours {
			fmt.Fprintf(&b, "         homeward ports close %s %d\n", strings.ToLower(plain(p.Protocol)), p.External)
		}
	}
	b.WriteString("\n")
	if !t.Complete {
		b.WriteString(incompleteTable + "\n")
	}
	b.WriteString(unseen + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func counts(t api.PortTable) map[string]int {
	n := map[string]int{}
	for _, p := range t.Ports {
		n[p.Risk]++
	}
	return n
}

func worstFirst(list []api.Port) []api.Port {
	order := []string{"danger", "caution", "fine"}
	return slices.SortedStableFunc(slices.Values(list), func(a, b api.Port) int {
		return cmp.Compare(slices.Index(order, a.Risk), slices.Index(order, b.Risk))
	})
}

// many is a number of things.
func many(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
