package main

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"homeward/cmd/homeward/internal/hostnet"
	"homeward/upnp"
	"homeward/upnp/byhand"
	"homeward/upnp/guide"
	"homeward/web/api"
)

// guideFor is how the port is opened by hand. The brand is the chosen one, else the
// one that the owner named once, else what the router calls itself or did, else what
// its address makes likely.
func guideFor(r upnp.Status, said byhand.Said, chosen string) (api.Guide, error) {
	brand := guide.Brand(chosen)
	var why string
	switch recognised := guide.Recognise(r.Router.Name); {
	case brand.Known():
	case chosen != "":
		return api.Guide{}, &api.Failure{Status: http.StatusNotFound, Err: fmt.Errorf("there is no guide for the router %.40q: %s are known", chosen, strings.Join(brandKeys(), ", "))}
	case said.Chosen:
		brand, why = said.Brand, "You chose it. If it is another now, choose that."
	case recognised != guide.Generic:
		brand, why = recognised, "It calls itself "+r.Router.Name+"."
	case said.Brand != "":
		brand, why = said.Brand, "It said so earlier. If it is another now, choose that."
	case guide.Guess(r.Gateway.Addr) != guide.Generic:
		brand, why = guide.Guess(r.Gateway.Addr), "Its address is the usual one of these. If it is another, choose it."
	default:
		brand, why = guide.Generic, "The router doesn't say what it is. If you know it, choose it."
	}
	g := guide.For(brand, guide.Rule{Name: "homeward", To: netip.AddrPortFrom(r.Gateway.Self, r.Port), Router: r.Gateway.Addr})
	out := api.Guide{Router: string(g.Brand), Name: g.Router, Why: why, Open: g.Open, Menu: g.Menu, Add: g.Add, Steps: g.Steps(), Switch: g.Switch, Hint: guide.Hint}
	if !said.Since.IsZero() {
		out.ByHand = said.Since.UTC()
	}
	for _, v := range g.Values {
		out.Values = append(out.Values, api.GuideValue{Field: v.Field, Value: v.Value})
	}
	for _, b := range guide.Brands() {
		out.Others = append(out.Others, api.GuideRouter{Router: string(b), Name: b.Name()})
	}
	return out, nil
}

func brandKeys() []string {
	var list []string
	for _, b := range guide.Brands() {
		list = append(list, string(b))
	}
	return list
}

// needsHands reports whether a rule entered by hand would help: nobody opened the
// port, and nobody has come in by it.
func needsHands(r upnp.Status, proven bool) bool {
	switch r.Verdict {
	case upnp.NoIGD, upnp.Refused, upnp.Conflict, upnp.RouterBroken, upnp.Disabled, upnp.ByHand:
		return !proven
	}
	return false
}

// guide is the guide of this house. Without a mapper nobody asked the kernel yet
// which address this box has.
func (a *appliance) guide(chosen string) (api.Guide, error) {
	r := a.router()
	if !r.Gateway.Self.IsValid() {
		host, err := hostnet.Read(a.settings.Interface)
		if at := host.Preferred(); err == nil && at.Is4() && !at.IsLoopback() {
			r.Gateway.Self = at
		}
	}
	return guideFor(r, a.byHand.Said(), chosen)
}

// Guide implements api.Router.
func (r routerTable) Guide(brand string) (api.Guide, error) { return r.guide(brand) }

func newPortsGuide(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "guide [ROUTER]", Short: "Say step by step how homeward's port is opened by hand on the router",
		Long:    "Say step by step how homeward's port is opened by hand on the router.\n\nThe router is recognised where it tells what it is. Else name it: " + strings.Join(brandKeys(), ", ") + ".",
		Example: "  homeward ports guide\n  homeward ports guide fritzbox",
		Args:    cobra.MaximumNArgs(1),
		RunE: o.talk(func(c *cobra.Command, client *api.Client, args []string) error {
			g, err := client.Guide(c.Context(), strings.ToLower(strings.Join(args, "")))
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, g)
			}
			_, err = io.WriteString(o.tty.out, guideText(g))
			return err
		}),
	}
}

// guideText is the guide on a terminal.
func guideText(g api.Guide) string {
	var b strings.Builder
	name := g.Name
	if g.Router == string(guide.Generic) {
		name = "your router" // “another” is its name where one is chosen from all
	}
	fmt.Fprintf(&b, "By hand, on %s:\n", plain(name))
	if g.Why != "" {
		fmt.Fprintf(&b, "  %s\n", plain(g.Why))
	}
	for i, s := range g.Steps {
		fmt.Fprintf(&b, "  %d. %s\n", i+1, plain(s))
	}
	fmt.Fprintf(&b, "  Or switch on what lets homeward do it by itself: %s.\n", plain(g.Switch))
	fmt.Fprintf(&b, "  %s\n", plain(g.Hint))
	return b.String()
}
