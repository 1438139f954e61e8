package upnp

import (
	"context"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// hearRoutes calls changed whenever the kernel changes an interface, an IPv4
// address or an IPv4 route, until ctx ends.
func hearRoutes(ctx context.Context, changed func()) error {
	return hearKernel(ctx, unix.RTMGRP_LINK|unix.RTMGRP_IPV4_IFADDR|unix.RTMGRP_IPV4_ROUTE, changed)
}

// hearRoutes6 is the same for IPv6.
func hearRoutes6(ctx context.Context, changed func()) error {
	return hearKernel(ctx, unix.RTMGRP_LINK|unix.RTMGRP_IPV6_IFADDR|unix.RTMGRP_IPV6_ROUTE, changed)
}

func hearKernel(ctx context.Context, groups uint32, changed func()) error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: groups})
	if err != nil {
		return fmt.Errorf("listening for changes of the routes: %w", err)
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
			return fmt.Errorf("listening for changes of the routes: %w", err)
		}
		changed()
	}
}
