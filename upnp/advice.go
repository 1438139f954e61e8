package upnp

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"homeward/upnp/guide"
)

// advice is the one thing that a person can do, with the addresses of this house.
// Anything of the router's in it was cleaned before.
func advice(s Status, a answer) string {
	switch s.Verdict {
	case Mapped:
		if !s.External.IsValid() {
			return "The router has opened the port, but doesn't tell its address on the internet: set the endpoint yourself."
		}
	case ByHand:
		return fmt.Sprintf("You forward the port yourself: keep the rule that sends UDP port %d to %v in the router's settings, and let the router always give this box the same address.", s.Port, s.Gateway.Self)
	case NoRouter:
		return "This box has no router on its network: connect it to the home router, or check its network settings."
	case NoIGD:
		return fmt.Sprintf("Your router at %v answers to none of the protocols by which a device can open a port (PCP, NAT-PMP, UPnP). Switch UPnP on in the router's settings: %s. I will notice by myself. Or %s.",
			s.Gateway.Addr, brand(s).Switch(), byHand(s))
	case Refused:
		return fmt.Sprintf("%s refused to open the port. Allow this box (%v) to open ports in the router's settings: %s. I will notice by myself. Or %s.",
			theRouter(s), s.Gateway.Self, brand(s).Switch(), byHand(s))
	case Conflict:
		return conflictAdvice(s, a.holder)
	case PrivateWAN:
		return secondAdvice(s)
	case CarrierNAT:
		return fmt.Sprintf("Your provider shares one IPv4 address among customers (%v). No setting of the router can open a port. Ask the provider for a public IPv4 address.", s.WAN)
	case NoWAN:
		return "Your router says that it has no public address. Check its internet connection. If there is another box in front of it, put that box in bridge mode."
	case RouterBroken:
		return brokenAdvice(s, a)
	case Disabled:
		return fmt.Sprintf("Opening the port on the router is switched off: forward UDP port %d to this box in the router's settings.", s.Port)
	}
	return ""
}

// Blocked is what to look for where the router says that the port is open and nothing
// comes through: its firewall may drop what it forwards, which no protocol tells.
func (s Status) Blocked() string {
	port, self := s.Port, s.Gateway.Self
	switch brand(s) {
	case guide.MikroTik:
		return fmt.Sprintf("The router's firewall may block it: in IP › Firewall › Filter Rules, accept in the chain forward what has the connection NAT state dstnat, before the rule that drops (UDP port %d to %v).", port, self)
	case guide.OpenWrt:
		return fmt.Sprintf("The router's firewall may block it: start firewall and then miniupnpd anew (System › Startup), since the one forgets what the other opened (UDP port %d to %v).", port, self)
	}
	return fmt.Sprintf("The router's firewall may block it: look in its settings for one that drops connections from the internet although they are forwarded, and let UDP port %d through to %v.", port, self)
}

func brokenAdvice(s Status, a answer) string {
	switch a.outcome {
	case tableFull:
		return fmt.Sprintf("%s has no room for another entry. Delete old ones in its list of opened ports (UPnP); I will notice by myself. Or %s.", theRouter(s), byHand(s))
	case badArgument, badLease:
		return fmt.Sprintf("%s doesn't accept the entry: its list is full, or it doesn't know this box because another device hands out the addresses. Let the router do that (DHCP), or %s.", theRouter(s), byHand(s))
	case notThere:
		return fmt.Sprintf("%s doesn't keep the entry. Switch off any clean-up of opened ports (UPnP) in its settings, or %s.", theRouter(s), byHand(s))
	case behindNAT:
		return fmt.Sprintf("Something between this box and your router at %v translates addresses: another router, or a container's own network. Run homeward on the host's network, or %s.", s.Gateway.Addr, byHand(s))
	case silent, moved:
		return fmt.Sprintf("%s stopped answering. If it isn't just restarting, restart it, or %s.", theRouter(s), byHand(s))
	}
	return fmt.Sprintf("%s doesn't handle the request properly. Restart the router, or %s.", theRouter(s), byHand(s))
}

func conflictAdvice(s Status, h holder) string {
	switch {
	case h.former && h.ends > 0:
		return fmt.Sprintf("UDP %d on the router still goes to %v, a former address of this box. That ends by itself within %d minutes; I will notice. To avoid it, let the router always give this box the same address.",
			s.Port, h.client, int(h.ends/time.Minute)+1)
	case h.former:
		return fmt.Sprintf("UDP %d on the router still goes to %v, a former address of this box. Remove that entry in the router's settings; I will notice by myself.", s.Port, h.client)
	case h.client.IsValid() && h.name != "":
		return fmt.Sprintf("UDP %d on the router already goes to %v (%q). Remove that entry in the router's settings; I will notice by myself.", s.Port, h.client, h.name)
	case h.client.IsValid():
		return fmt.Sprintf("UDP %d on the router already goes to %v. Remove that entry in the router's settings; I will notice by myself.", s.Port, h.client)
	}
	return fmt.Sprintf("The router keeps UDP %d for itself, for another device or for a fixed rule, or doesn't let this box have it. Look for it in the router's settings, and %s.", s.Port, byHand(s))
}

// byHand is the rule to enter in the router.
func byHand(s Status) string {
	to := "this box"
	if self := s.Gateway.Self; self.IsValid() {
		to = netip.AddrPortFrom(self, s.Port).String()
	}
	where := "“port forwarding” or “virtual server”"
	if b := brand(s); b != guide.Generic {
		where = strings.Join(guide.For(b, guide.Rule{}).Menu, " > ")
	}
	return fmt.Sprintf("forward UDP port %d to %s there (%s)", s.Port, to, where)
}

// brand is whose menus the router has, as far as it said who it is.
func brand(s Status) guide.Brand { return guide.Recognise(s.Router.Name) }

func theRouter(s Status) string {
	if s.Router.Name == "" {
		return "Your router"
	}
	return fmt.Sprintf("Your router (%s)", s.Router.Name)
}
