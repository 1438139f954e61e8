//go:build linux

// Command naive is the smallest rootless server around the unchanged
// wireguard-go module: its own network stack, its own socket, plain copies.
// Measurements compare homeward's rootless plane to it.
//
// The module's stack takes packets for its own addresses only. So this one has
// the address of the machine behind it, and carries on by ordinary sockets
// whatever comes to the ports that it was told.
//
// It takes the MTU, that machine's address and the ports, reads the device's
// control text from its input, says "ready" and runs until SIGTERM.
package main

import (
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/netstack"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	if len(os.Args) < 4 {
		return fmt.Errorf("usage: naive MTU ADDRESS PORT… <CONTROL-TEXT")
	}
	mtu, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return fmt.Errorf("MTU %q: %w", os.Args[1], err)
	}
	home, err := netip.ParseAddr(os.Args[2])
	if err != nil {
		return err
	}
	t, inside, err := netstack.CreateNetTUN([]netip.Addr{home}, nil, mtu)
	if err != nil {
		return fmt.Errorf("making the network stack: %w", err)
	}
	d := device.NewDevice(t, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, ""))
	defer d.Close()
	if err := d.IpcSetOperation(os.Stdin); err != nil {
		return fmt.Errorf("reading the control text: %w", err)
	}
	if err := d.Up(); err != nil {
		return fmt.Errorf("opening the port: %w", err)
	}
	for _, text := range os.Args[3:] {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return fmt.Errorf("port %q: %w", text, err)
		}
		if err := forward(inside, netip.AddrPortFrom(home, uint16(port))); err != nil {
			return fmt.Errorf("forwarding port %d: %w", port, err)
		}
	}
	fmt.Println("ready")
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, os.Interrupt)
	<-end
	return nil
}
