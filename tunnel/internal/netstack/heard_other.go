//go:build !linux

package netstack

import (
	"errors"
	"syscall"
)

// Other systems tell a socket no more than an error number.

func listenForErrors(syscall.Conn, bool) error { return nil }
func setHops(syscall.Conn, bool, int) error    { return nil }
func allowFragments(syscall.Conn) error        { return nil }
func routeMTU(syscall.Conn, bool) (int, error) { return 0, errors.ErrUnsupported }
func heard(syscall.Conn) []verdict             { return nil }

// hearsErrors says that heard tells all that happens to a socket's packets.
const hearsErrors = false
