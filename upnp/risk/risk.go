package risk

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"homeward/upnp"
)

// Level is how bad something is.
type Level uint8

// The levels.
const (
	Fine    Level = iota // as it should be, or a matter of taste
	Caution              // look whether that is wanted
	Danger               // close it
)

// String returns the level's key, for JSON and the page.
func (l Level) String() string {
	return [...]string{"fine", "caution", "danger"}[min(l, Danger)]
}

// Finding is one thing to say about an entry.
type Finding struct {
	Level  Level
	Reason string // one sentence: what can happen, or what it is
	Advice string // one sentence: what to do; empty: nothing
}

// House is what has to be known to judge.
type House struct {
	Self      netip.Addr // this box, as the router sees it
	AdminPort uint16     // TCP port of homeward's own page; zero: there is none
	// Absent are the machines that were looked for and not found.
	Absent map[netip.Addr]bool
}

// rangeFrom is how many ports in a row to one machine are a whole range.
const rangeFrom = 8

// Judge says what there is to say about each entry, in the order of the entries:
// at least one finding each, the worst first.
func Judge(entries []upnp.Entry, h House) [][]Finding {
	out := make([][]Finding, len(entries))
	for i, e := range entries {
		out[i] = h.judge(e)
	}
	for _, r := range ranges(entries) {
		for _, i := range r {
			if entries[i].Enabled {
				out[i] = append(out[i], Finding{Caution,
					fmt.Sprintf("It is one of %d ports in a row that lead to the same machine: much more than a program needs.", len(r)),
					"Close those that nobody needs."})
			}
		}
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(b.Level, a.Level) })
	}
	return out
}

func (h House) judge(e upnp.Entry) []Finding {
	to := e.Internal.Addr()
	switch {
	case e.Ours:
		return []Finding{{Fine, "This is how devices come home: WireGuard answers only to those who have a code.", nothing}}
	case !e.Enabled:
		return []Finding{{Fine, "It is switched off: nothing comes in by it.", "Remove it if nobody needs it."}}
	}
	var list []Finding
	s, known := lookUp(e.Protocol, e.External, e.Internal.Port())
	switch {
	case e.Protocol == "TCP" && to == h.Self && h.AdminPort != 0 && e.Internal.Port() == h.AdminPort:
		list = append(list, Finding{Danger, "homeward's own page is open to the internet: it is made for home alone.", "Close it: through the tunnel the page can be reached too."})
	case e.External == 0:
		list = append(list, Finding{Danger, "All ports lead to one machine: whatever runs there is open to the internet.", "Close it, and open only what is needed."})
	case known:
		list = append(list, Finding{s.level, s.reason, s.advice})
	default:
		list = append(list, Finding{Fine, "No service is known to be usual there: it is as safe as the program that answers.", "Close it if you don't know which program that is."})
	}
	if worst := &list[0]; e.Remote != "" && worst.Level == Danger {
		worst.Level = Caution
		worst.Reason += fmt.Sprintf(" Only %s may use it.", e.Remote)
	}
	if h.Absent[to] {
		list = append(list, Finding{Caution, fmt.Sprintf("Nobody answers at %v now: whichever device gets this address next is open to the internet.", to),
			"Close it, unless that machine is only switched off."})
	}
	if e.Lease == 0 && to != h.Self {
		list = append(list, Finding{Fine, "It has no end, or the router doesn't tell: it stays when the machine that it leads to is gone.", "Look now and then whether it is still needed."})
	}
	return list
}

// ranges finds whole ranges: entries of one protocol to one machine whose outer
// ports follow each other. It returns their indexes.
func ranges(entries []upnp.Entry) [][]int {
	order := make([]int, len(entries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := entries[a], entries[b]
		return cmp.Or(cmp.Compare(x.Protocol, y.Protocol), x.Internal.Addr().Compare(y.Internal.Addr()), cmp.Compare(x.External, y.External))
	})
	var found [][]int
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && follows(entries[order[to-1]], entries[order[to]]) {
			to++
		}
		if to-from >= rangeFrom {
			found = append(found, order[from:to])
		}
		from = to
	}
	return found
}

func follows(a, b upnp.Entry) bool {
	return a.Protocol == b.Protocol && a.Internal.Addr() == b.Internal.Addr() && int(b.External) == int(a.External)+1
}
