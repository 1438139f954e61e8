package selftest

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	wgdevice "golang.zx2c4.com/wireguard/device"
	wgnetstack "golang.zx2c4.com/wireguard/tun/netstack"

	"homeward/configs/secret"
	"homeward/tunnel"
)

// phone is an independent WireGuard device with a stack of its own, outside.
type phone struct {
	w      *world
	peer   tunnel.Peer // as the tunnel knows it
	device *wgdevice.Device
	net    *wgnetstack.Net
	wire   *wire
	addrs  []netip.Addr
}

// newPhone makes a phone with two inner addresses, 10.66.7.n and fd00:66:7::n, that
// calls the box at an address.
func (w *world) newPhone(n int, calls string) *phone {
	w.Helper()
	return w.newPhoneAt(w.outside, n, calls)
}

// newPhoneAt is newPhone in another namespace.
func (w *world) newPhoneAt(at space, n int, calls string) *phone {
	w.Helper()
	private, psk := w.newKey(), w.newKey()
	p := &phone{w: w, wire: newWire(at), peer: tunnel.Peer{PublicKey: private.Public(), PresharedKey: psk}}
	p.addrs = []netip.Addr{netip.MustParseAddr(fmt.Sprintf("10.66.7.%d", n)), netip.MustParseAddr(fmt.Sprintf("fd00:66:7::%d", n))}
	p.peer.Addresses = p.addrs
	mtu := w.cfg.MTU
	if mtu == 0 {
		mtu = tunnel.DefaultMTU
	}
	inside, stack, err := wgnetstack.CreateNetTUN(p.addrs, nil, mtu)
	if err != nil {
		w.Fatal(err)
	}
	p.net = stack
	p.device = wgdevice.NewDevice(inside, p.wire, wgdevice.NewLogger(wgdevice.LogLevelSilent, ""))
	// The stack panics when it is closed while it sends: the process ends it.
	w.Cleanup(func() { _ = p.device.Down() })
	p.set("private_key", private)
	p.set("public_key", [32]byte(w.cfg.PrivateKey.Public()), "preshared_key", psk, "endpoint", netip.AddrPortFrom(netip.MustParseAddr(calls), port).String(),
		"allowed_ip", "0.0.0.0/0", "allowed_ip", "::/0")
	if err := p.device.Up(); err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *world) newKey() secret.Key {
	w.Helper()
	k, err := secret.GeneratePrivateKey()
	if err != nil {
		w.Fatal(err)
	}
	return k
}

// set gives the device lines of its control text: names and values.
func (p *phone) set(pairs ...any) {
	p.w.Helper()
	var text strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		value := fmt.Sprint(pairs[i+1])
		switch v := pairs[i+1].(type) {
		case secret.Key:
			raw := v.Reveal()
			value = hex.EncodeToString(raw[:])
		case fmt.Stringer:
			value = v.String()
		}
		if k, ok := pairs[i+1].([32]byte); ok {
			value = hex.EncodeToString(k[:])
		}
		fmt.Fprintf(&text, "%s=%s\n", pairs[i], value)
	}
	if err := p.device.IpcSet(text.String()); err != nil {
		p.w.Fatal(err)
	}
}

// about changes what the phone knows of the box.
func (p *phone) about(pairs ...any) {
	p.w.Helper()
	p.set(append([]any{"public_key", [32]byte(p.w.cfg.PrivateKey.Public()), "update_only", true}, pairs...)...)
}

// calls has the phone call the box at another address.
func (p *phone) calls(addr string) {
	p.w.Helper()
	p.about("endpoint", netip.AddrPortFrom(netip.MustParseAddr(addr), port).String())
}

// says is a value of what the phone's device says of the box.
func (p *phone) says(name string) string {
	p.w.Helper()
	text, err := p.device.IpcGet()
	if err != nil {
		p.w.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if k, v, _ := strings.Cut(strings.TrimSpace(line), "="); k == name {
			return v
		}
	}
	return ""
}

// bytes is a number of what the phone's device says of the box.
func (p *phone) bytes(name string) uint64 {
	p.w.Helper()
	n, err := strconv.ParseUint(p.says(name), 10, 64)
	if err != nil {
		p.w.Fatal(err)
	}
	return n
}
