//go:build linux

// Command reference is the smallest program around the unchanged wireguard-go
// module: its own socket, its own TUN device, nothing else. Measurements use it
// as the client of every server, and as the server that others are compared to.
//
// It takes the name and the MTU of the TUN device, reads the device's control
// text from its input, says "ready" and runs until SIGTERM.
package main

import (
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("usage: reference NAME MTU <CONTROL-TEXT")
	}
	mtu, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return fmt.Errorf("MTU %q: %w", os.Args[2], err)
	}
	t, err := tun.CreateTUN(os.Args[1], mtu)
	if err != nil {
		return fmt.Errorf("making the TUN device %q: %w", os.Args[1], err)
	}
	d := device.NewDevice(t, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, ""))
	defer d.Close()
	if err := d.IpcSetOperation(os.Stdin); err != nil {
		return fmt.Errorf("reading the control text: %w", err)
	}
	if err := d.Up(); err != nil {
		return fmt.Errorf("opening the port: %w", err)
	}
	fmt.Println("ready")
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, os.Interrupt)
	<-end
	return nil
}
