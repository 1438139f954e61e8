//go:build !freebsd

package main

import (
	"fmt"
	"net"
	"net/netip"

	"golang.zx2c4.com/wireguard/wgctrl"

	"homeward/peers/imports"
)

// gatherInterface reads an interface that runs, in the kernel or in a program.
func gatherInterface(name string) (map[string][]byte, error) {
	client, err := wgctrl.New()
	if err != nil {
		return nil, fmt.Errorf("looking for WireGuard interfaces: %w", err)
	}
	defer client.Close()
	d, err := client.Device(name)
	if err != nil {
		return nil, fmt.Errorf("there is no file %s here, and as an interface: %w", name, err)
	}
	in, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("reading the addresses of %s: %w", name, err)
	}
	addrs, err := in.Addrs()
	if err != nil {
		return nil, fmt.Errorf("reading the addresses of %s: %w", name, err)
	}
	var own []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
			own = append(own, p)
		}
	}
	return map[string][]byte{name + ".conf": imports.ConfOf(*d, own)}, nil
}
