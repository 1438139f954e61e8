package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminate asks a process to end.
const terminate = syscall.SIGTERM

var errNobodyListens = errors.New("nobody listens on the socket")

// peerOf says which process listens on a unix socket, as the kernel knows it.
func peerOf(socket string) (int, error) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return 0, errNobodyListens
	}
	if err != nil {
		return 0, fmt.Errorf("finding the running homeward: %w", err)
	}
	defer c.Close()
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("finding the running homeward: %w", err)
	}
	var cred *unix.Ucred
	var asked error
	err = raw.Control(func(fd uintptr) { cred, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(err, asked); err != nil {
		return 0, fmt.Errorf("finding the running homeward: %w", err)
	}
	return int(cred.Pid), nil
}
