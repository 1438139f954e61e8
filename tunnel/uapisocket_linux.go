package tunnel

import (
	"context"
	"log/slog"
	"sync"

	wgdevice "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/ipc"
)

// serveUAPI lets wg(8) and wgctrl look at the device, until ctx ends. Where the
// socket cannot be made, they can't, and nothing else is lost. They can only
// look: a peer that was set behind our back would be one that nobody removes.
func serveUAPI(ctx context.Context, d *wgdevice.Device, iface string, log *slog.Logger) {
	file, err := ipc.UAPIOpen(iface)
	if err != nil {
		log.Info("wg show will not see the tunnel", "err", err)
		return
	}
	defer file.Close() // the listener has a copy
	l, err := ipc.UAPIListen(iface, file)
	if err != nil {
		log.Info("wg show will not see the tunnel", "err", err)
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	// Once: a second Close would close a descriptor that may be another's by then.
	shut := sync.OnceFunc(func() { l.Close() })
	defer shut()
	stop := context.AfterFunc(ctx, shut)
	defer stop()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		wg.Go(func() {
			stop := context.AfterFunc(ctx, func() { c.Close() })
			defer stop()
			answerUAPI(c, d.IpcGetOperation)
		})
	}
}
