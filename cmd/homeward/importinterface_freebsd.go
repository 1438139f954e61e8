package main

import "fmt"

// gatherInterface cannot read an interface: the library for it needs C on FreeBSD.
func gatherInterface(name string) (map[string][]byte, error) {
	return nil, fmt.Errorf("there is no file %s here, and an interface cannot be read on FreeBSD: give its file, as in /usr/local/etc/wireguard", name)
}
