package hostnet

import (
	"context"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// news are the kernel's groups of all that Read looks at (rtnetlink(7)).
const news = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV6_ROUTE

// Follow calls changed whenever the kernel changes an interface, an address or a
// route, until ctx ends. It returns nil then.
func Follow(ctx context.Context, changed func()) error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: news})
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
		case err != nil && !errors.Is(err, unix.ENOBUFS): // which means more news than fit
			return fmt.Errorf("listening for changes of the network: %w", err)
		}
		changed()
	}
}
