package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"homeward/web/api"
)

// mask hides what tells where the house is and who lives there, so that a report can
// be shown to strangers: public addresses, the house's names, the devices' names.
// The same thing has the same number everywhere, since equal or not is often what a
// report is about.
type mask struct {
	names   []string // the house's
	devices []string
	people  []string
	numbers map[string]string
	counts  map[string]int
}

func newMask(names []string, list []api.Peer) *mask {
	m := &mask{numbers: make(map[string]string), counts: make(map[string]int)}
	for _, n := range names {
		if n != "" {
			m.names = append(m.names, n)
		}
	}
	slices.SortFunc(m.names, func(a, b string) int { return len(b) - len(a) }) // a name may hold another
	for _, p := range list {
		m.devices = append(m.devices, p.Name)
	}
	return m
}

// addresses finds what may be an address; netip judges.
var addresses = regexp.MustCompile(`[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*`)

var shared = netip.MustParsePrefix("100.64.0.0/10") // a provider's own: it tells of the provider only

func (m *mask) text(s string) string {
	for _, n := range m.names {
		s = replaceFold(s, n, m.number("name", n))
	}
	for _, d := range m.devices {
		s = strings.ReplaceAll(s, "“"+d+"”", "“"+m.number("device", d)+"”")
	}
	return addresses.ReplaceAllStringFunc(s, func(found string) string {
		text := strings.TrimRight(found, ".")
		if strings.HasSuffix(text, ":") && !strings.HasSuffix(text, "::") {
			text = text[:len(text)-1]
		}
		a, err := netip.ParseAddr(text)
		if err != nil || !a.IsGlobalUnicast() || a.IsPrivate() || shared.Contains(a) {
			return found
		}
		kind := "public IPv4"
		if a.Is6() {
			kind = "public IPv6"
		}
		return m.number(kind, a.String()) + found[len(text):]
	})
}

// whole masks a text that may be nothing but a device's or somebody's name.
func (m *mask) whole(s string) string {
	switch {
	case s == "":
		return ""
	case slices.Contains(m.people, s):
		return m.number("person", s)
	case slices.Contains(m.devices, s):
		return m.number("device", s)
	}
	return m.text(s)
}

// number is what stands for a thing of some kind.
func (m *mask) number(kind, thing string) string {
	key := kind + " " + strings.ToLower(thing)
	if _, ok := m.numbers[key]; !ok {
		m.counts[kind]++
		m.numbers[key] = fmt.Sprintf("(%s %d)", kind, m.counts[kind])
	}
	return m.numbers[key]
}

func replaceFold(s, old, new string) string {
	return regexp.MustCompile(`(?i)`+regexp.QuoteMeta(old)).ReplaceAllLiteralString(s, new)
}

// status is s without what strangers should not see.
func (m *mask) status(s api.Status) api.Status {
	s.Names = nil
	s.Joints, s.Facts = slices.Clone(s.Joints), slices.Clone(s.Facts)
	for i := range s.Joints {
		s.Joints[i].Summary, s.Joints[i].Advice = m.text(s.Joints[i].Summary), m.text(s.Joints[i].Advice)
	}
	for i := range s.Facts {
		s.Facts[i].Value = m.text(s.Facts[i].Value)
	}
	s.Reachability.Text, s.Reachability.Advice = m.text(s.Reachability.Text), m.text(s.Reachability.Advice)
	s.Reachability.Lies = slices.Clone(s.Reachability.Lies)
	for i := range s.Reachability.Lies {
		l := &s.Reachability.Lies[i]
		l.Told, l.Seen = m.text(l.Told), m.text(l.Seen)
	}
	s.Knocks = slices.Clone(s.Knocks)
	for i := range s.Knocks {
		s.Knocks[i].From = m.text(s.Knocks[i].From)
	}
	s.Reachability.Evidence = slices.Clone(s.Reachability.Evidence)
	for i := range s.Reachability.Evidence {
		s.Reachability.Evidence[i].From = m.text(s.Reachability.Evidence[i].From)
	}
	if s.Guide != nil {
		g := *s.Guide
		g.Why, g.Open, g.Steps, g.Values = m.text(g.Why), m.text(g.Open), slices.Clone(g.Steps), slices.Clone(g.Values)
		for i := range g.Steps {
			g.Steps[i] = m.text(g.Steps[i])
		}
		for i := range g.Values {
			g.Values[i].Value = m.text(g.Values[i].Value)
		}
		s.Guide = &g
	}
	return s
}
