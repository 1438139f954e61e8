package kernelnews

import (
	"context"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The kernel's groups of news (rtnetlink(7)).
const (
	IPv4 = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV4_ROUTE // interfaces, IPv4 addresses and routes
	IPv6 = unix.RTMGRP_LINK | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV6_ROUTE // the same for IPv6
)

// Hear calls changed, on this goroutine, whenever the kernel has news of one of the
// groups, until ctx ends. It returns nil then.
func Hear(ctx context.Context, groups uint32, changed func()) error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: groups})
	if err != nil {
		return fmt.Errorf("listening for changes of the network: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for {
		_, err := conn.Receive()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENOBUFS): // more news than fit: news all the same
		case err != nil:
			return fmt.Errorf("listening for changes of the network: %w", err)
		}
		changed()
	}
}
