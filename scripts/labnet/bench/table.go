//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// table has a row for each server, in the order in which they came.
type table struct{ rows []*row }

// row has the samples of one server by one family of addresses.
type row struct {
	server  string
	ipv6    bool
	name    string
	columns []string // in the order in which they came
	samples map[string][]float64
}

func (t *table) of(server string, ipv6 bool) *row {
	if r := t.find(server, ipv6); r != nil {
		return r
	}
	r := &row{server: server, ipv6: ipv6, name: rowName(server, ipv6), samples: map[string][]float64{}}
	t.rows = append(t.rows, r)
	return r
}

// find returns a row that is there, or nil.
func (t *table) find(server string, ipv6 bool) *row {
	for _, r := range t.rows {
		if r.server == server && r.ipv6 == ipv6 {
			return r
		}
	}
	return nil
}

func rowName(server string, ipv6 bool) string {
	if ipv6 {
		return server + " IPv6"
	}
	return server
}

func (r *row) add(column string, v float64) {
	if _, known := r.samples[column]; !known {
		r.columns = append(r.columns, column)
	}
	r.samples[column] = append(r.samples[column], v)
}

// median is the middle of the samples; of an even number, the lower one. No row
// has none.
func (r *row) median(column string) (float64, bool) {
	if r == nil {
		return 0, false
	}
	return middle(r.samples[column])
}

// ratio is the median of the rounds' ratios to another row: what made the machine slow
// for a round made it slow for both.
func (r *row) ratio(to *row, column string) (float64, bool) {
	if to == nil {
		return 0, false
	}
	var all []float64
	for i, v := range r.samples[column] {
		if other := to.samples[column]; i < len(other) && other[i] > 0 {
			all = append(all, v/other[i])
		}
	}
	return middle(all)
}

func middle(samples []float64) (float64, bool) {
	if len(samples) == 0 {
		return 0, false
	}
	s := slices.Sorted(slices.Values(samples))
	return s[(len(s)-1)/2], true
}

// print writes one line for each figure: the servers' medians with their bounds, and
// the medians of their ratios to R.
func (t *table) print(w io.Writer, s *settings) {
	fmt.Fprintf(w, "medians (least–greatest) of %d rounds of %v a load; × is the median of the rounds' ratios to R, ÷4 of those to the same server by IPv4\n\n", s.rounds, s.duration)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "figure")
	var columns []string
	for _, r := range t.rows {
		fmt.Fprintf(tw, "\t%s", r.name)
		for _, c := range r.columns {
			if !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
	}
	fmt.Fprintln(tw)
	for _, c := range columns {
		fmt.Fprint(tw, c)
		for _, r := range t.rows {
			fmt.Fprintf(tw, "\t%s", t.cell(r, c))
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
}

func (t *table) cell(r *row, column string) string {
	m, ok := r.median(column)
	if !ok {
		return "–"
	}
	s := r.samples[column]
	text := fmt.Sprintf("%s (%s–%s)", figure(m), figure(slices.Min(s)), figure(slices.Max(s)))
	if ratio, ok := r.ratio(t.find("R", r.ipv6), column); ok && r.server != "R" {
		text += fmt.Sprintf(" %.2f×", ratio)
	}
	if ratio, ok := r.ratio(t.find(r.server, false), column); ok && r.ipv6 {
		text += fmt.Sprintf(" %.2f÷4", ratio)
	}
	return text
}

// figure writes three digits or a whole number.
func figure(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
