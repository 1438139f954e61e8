//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/scripts/kernelpeer/task"
)

const tunnelName = "wg0"

// plugIn sets the cable up.
func plugIn(t task.Task) error {
	link, err := theCable()
	if err != nil {
		return err
	}
	if err := raise(link, t.Addresses); err != nil {
		return err
	}
	for _, gw := range t.Gateways {
		to := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if gw.Is6() {
			to = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(to), Gw: gw.AsSlice()}); err != nil {
			return fmt.Errorf("adding the route by %v: %w", gw, err)
		}
	}
	return nil
}

// theCable is the one network card that there is.
func theCable() (netlink.Link, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("listing the network cards: %w", err)
	}
	for _, l := range links {
		if l.Attrs().EncapType == "ether" {
			return l, nil
		}
	}
	return nil, errors.New("there is no network card")
}

// raise gives a link its addresses and sets it up.
func raise(link netlink.Link, addresses []netip.Prefix) error {
	for _, a := range addresses {
		// Without the wait for duplicates: nothing could be sent for a second.
		const noDAD = 0x02 // IFA_F_NODAD
		if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: ipNet(a), Flags: noDAD}); err != nil {
			return fmt.Errorf("adding the address %v: %w", a, err)
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("setting %s up: %w", link.Attrs().Name, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// tunnelUp sets WireGuard up as the code says.
func tunnelUp(t task.Task) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = tunnelName, t.MTU
	if err := netlink.LinkAdd(&netlink.Wireguard{LinkAttrs: attrs}); err != nil {
		return fmt.Errorf("making the WireGuard interface: %w", err)
	}
	config, err := wireguardConfig(t)
	if err == nil {
		err = configure(config)
	}
	if err != nil {
		return err
	}
	link, err := netlink.LinkByName(tunnelName)
	if err != nil {
		return err
	}
	if err := raise(link, t.Inner); err != nil {
		return err
	}
	for _, to := range t.AllowedIPs {
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(to)}); err != nil {
			return fmt.Errorf("adding the route to %v: %w", to, err)
		}
	}
	return nil
}

func configure(c wgtypes.Config) error {
	client, err := wgctrl.New()
	if err != nil {
		return fmt.Errorf("talking to WireGuard: %w", err)
	}
	defer client.Close()
	if err := client.ConfigureDevice(tunnelName, c); err != nil {
		return fmt.Errorf("configuring WireGuard: %w", err)
	}
	return nil
}

// call sends what follows to another endpoint.
func call(t task.Task, by netip.AddrPort) error {
	key, err := wgtypes.ParseKey(t.PublicKey)
	if err != nil {
		return err
	}
	return configure(wgtypes.Config{Peers: []wgtypes.PeerConfig{{PublicKey: key, UpdateOnly: true, Endpoint: net.UDPAddrFromAddrPort(by)}}})
}

func wireguardConfig(t task.Task) (wgtypes.Config, error) {
	var keys [3]wgtypes.Key
	for i, text := range []string{t.PrivateKey, t.PublicKey, t.PresharedKey} {
		var err error
		if keys[i], err = wgtypes.ParseKey(text); err != nil {
			return wgtypes.Config{}, fmt.Errorf("reading the keys: %w", err)
		}
	}
	peer := wgtypes.PeerConfig{
		PublicKey: keys[1], PresharedKey: &keys[2],
	}
	for _, p := range t.AllowedIPs {
		peer.AllowedIPs = append(peer.AllowedIPs, *ipNet(p))
	}
	c := wgtypes.Config{PrivateKey: &keys[0], Peers: []wgtypes.PeerConfig{peer}}
	if t.ListenPort != 0 {
		c.ListenPort = &t.ListenPort
	}
	return c, nil
}

// look asks WireGuard what it saw.
func look(r *task.Result) error {
	client, err := wgctrl.New()
	if err != nil {
		return fmt.Errorf("talking to WireGuard: %w", err)
	}
	defer client.Close()
	d, err := client.Device(tunnelName)
	if err != nil {
		return fmt.Errorf("asking WireGuard: %w", err)
	}
	for _, p := range d.Peers {
		r.Handshake = time.Since(p.LastHandshakeTime) < time.Hour
		r.Received = p.ReceiveBytes
	}
	return nil
}
