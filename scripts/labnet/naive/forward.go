//go:build linux

package main

import (
	"io"
	"net"
	"net/netip"

	"golang.zx2c4.com/wireguard/tun/netstack"
)

// forward carries on what comes to a port, TCP and UDP, until the program ends.
func forward(inside *netstack.Net, at netip.AddrPort) error {
	l, err := inside.ListenTCPAddrPort(at)
	if err != nil {
		return err
	}
	u, err := inside.ListenUDPAddrPort(at)
	if err != nil {
		return err
	}
	go accept(l, at.String())
	go relay(u, at.String())
	return nil
}

func accept(l net.Listener, home string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go join(c, home)
	}
}

// join copies both ways until both have ended.
func join(peer net.Conn, home string) {
	defer peer.Close()
	host, err := net.Dial("tcp", home)
	if err != nil {
		return
	}
	defer host.Close()
	up := make(chan struct{})
	go func() {
		defer close(up)
		copyHalf(host, peer)
	}()
	copyHalf(peer, host)
	<-up
}

func copyHalf(dst, src net.Conn) {
	_, _ = io.Copy(dst, src) // an error ends it as the end does
	if c, ok := dst.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
}

// relay gives each client a socket of its own towards home.
func relay(u net.PacketConn, home string) {
	sockets := map[string]net.Conn{}
	b := make([]byte, 65535)
	for {
		n, from, err := u.ReadFrom(b)
		if err != nil {
			return
		}
		host := sockets[from.String()]
		if host == nil {
			if host, err = net.Dial("udp", home); err != nil {
				continue
			}
			sockets[from.String()] = host
			go back(u, from, host)
		}
		_, _ = host.Write(b[:n]) // lost, as on any way
	}
}

func back(u net.PacketConn, to net.Addr, host net.Conn) {
	b := make([]byte, 65535)
	for {
		n, err := host.Read(b)
		if err != nil {
			return
		}
		_, _ = u.WriteTo(b[:n], to)
	}
}
