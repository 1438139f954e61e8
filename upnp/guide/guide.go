package guide

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Rule is the rule that is to be entered: this house's own values.
type Rule struct {
	Name   string         // to recognise it by later
	To     netip.AddrPort // this box; an invalid address means that it isn't known
	Router netip.Addr     // may be invalid
}

// Value is one field of the router's form.
type Value struct {
	Field, Value string
}

// Guide is how one brand forwards one UDP port.
type Guide struct {
	Brand  Brand
	Router string   // what people call the brand
	Open   string   // where its page is opened; empty: not known
	Menu   []string // the way to the list of rules
	Add    string   // what is pressed there
	Values []Value
	// Switch names the switch that makes all this needless, and where it is.
	Switch string
}

// Hint goes with every guide.
const Hint = "Names differ a little between models and versions, and with the page's language."

// For makes the guide.
func For(b Brand, r Rule) Guide {
	m := b.menu()
	g := Guide{Brand: b, Router: m.name, Open: m.page, Menu: m.forward, Add: m.add, Switch: b.Switch()}
	if !b.Known() {
		g.Brand = Generic
	}
	if r.Router.IsValid() {
		at := "http://" + r.Router.String()
		if r.Router.Is6() {
			at = "http://[" + r.Router.WithZone("").String() + "]"
		}
		if g.Open == "" {
			g.Open = at
		} else {
			g.Open += " (or " + at + ")"
		}
	}
	port, to := strconv.Itoa(int(r.To.Port())), "this box"
	if r.To.Addr().IsValid() {
		to = r.To.Addr().String()
	}
	g.Values = append([]Value{
		{m.fields.name, r.Name}, {m.fields.protocol, "UDP"}, {m.fields.external, port}, {m.fields.address, to}, {m.fields.internal, port},
	}, m.also...)
	return g
}

// Switch names the switch by which the router lets devices open ports by themselves,
// with the way to it.
func (b Brand) Switch() string {
	m := b.menu()
	s := fmt.Sprintf("“%s” (%s)", m.upnp, strings.Join(m.switchAt, " > "))
	if b == Generic || !b.Known() {
		s = m.switchAt[0]
	}
	if m.before != "" {
		s += ". " + strings.TrimSuffix(m.before, ".")
	}
	return s
}

// Steps says the guide in sentences, for a terminal or a plain page.
func (g Guide) Steps() []string {
	open := "Open the router's own page."
	if g.Open != "" {
		open = "Open the router's page at " + g.Open + "."
	}
	var values []string
	for _, v := range g.Values {
		values = append(values, v.Field+": "+v.Value)
	}
	return []string{
		open,
		"Go to " + strings.Join(g.Menu, " > ") + ".",
		"Press " + g.Add + ", and enter: " + strings.Join(values, "; ") + ".",
		"Save. The entry is watched: it counts as open once a device came in by it.",
	}
}
