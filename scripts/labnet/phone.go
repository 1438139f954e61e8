//go:build linux

package labnet

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

//go:embed resolvconf.sh
var resolvconf string

// PhoneUp is [Lab.TryPhoneUp] for a config that must work.
func (l *Lab) PhoneUp(config []byte) (down func()) {
	l.t.Helper()
	down, err := l.TryPhoneUp(context.Background(), config)
	if err != nil {
		l.t.Fatal(err)
	}
	return down
}

// TryPhoneUp is [Lab.TryUp] on the phone.
func (l *Lab) TryPhoneUp(ctx context.Context, config []byte) (down func(), err error) {
	l.t.Helper()
	return l.TryUp(ctx, l.Phone, config)
}

// TryUp gives config, unchanged, to wg-quick on a host, with an independent
// WireGuard program; on one host at a time. Names are then looked up as the config says.
// The function that it returns takes the tunnel down; the end of the test does
// so too.
func (l *Lab) TryUp(ctx context.Context, h *Host, config []byte) (down func(), err error) {
	l.t.Helper()
	bin := filepath.Join(l.Dir, "phone-bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(bin, "resolvconf"), []byte(resolvconf), 0o755); err != nil {
		return nil, err
	}
	// The name of the file becomes that of the device and of its control
	// socket, which all namespaces share.
	file := filepath.Join(l.Dir, l.ID+".conf")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return nil, err
	}
	if err := wgQuick(ctx, h, "up", file, bin); err != nil {
		return nil, err
	}
	var once sync.Once
	down = func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := wgQuick(ctx, h, "down", file, bin); err != nil {
				l.t.Errorf("the tunnel on %s: %v", h.Name, err)
			}
		})
	}
	l.t.Cleanup(down)
	return down, nil
}

// wgQuick runs wg-quick on a host, with the programs in bin before others.
func wgQuick(ctx context.Context, h *Host, verb, file, bin string) error {
	log, err := os.CreateTemp(h.dir, h.Name+"-wg-quick-*.log") // a file: wireguard-go keeps it open
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := h.Command(ctx, "wg-quick", verb, file)
	cmd.Env = append(os.Environ(), "WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go", "PATH="+bin+":"+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		out, _ := os.ReadFile(log.Name())
		return fmt.Errorf("wg-quick %s: %w: %s", verb, err, out)
	}
	return nil
}
