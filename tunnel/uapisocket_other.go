//go:build !linux

package tunnel

import (
	"context"
	"log/slog"

	wgdevice "golang.zx2c4.com/wireguard/device"
)

// serveUAPI is for network interfaces, which only Linux has here.
func serveUAPI(context.Context, *wgdevice.Device, string, *slog.Logger) {}
