package tunnel

import (
	"context"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/tunnel/internal/dnsproxy"
	"homeward/tunnel/internal/initiation"
)

// Call is somebody who knows our public key and asked for a handshake.
type Call struct {
	// Key is the public key that the caller says it has. It may be nobody's that
	// we know, and only a handshake proves that it is the caller's.
	Key         wgtypes.Key
	From        netip.AddrPort
	First, Last time.Time
	Tries       uint64 // times it asked, five seconds apart
	Answers     uint64 // times the device answered
}

// Calls returns who asked for a handshake since then, the latest first: at most
// some dozens are remembered. What nobody could have meant is left out. It costs
// as much as the device spends on as many handshakes; it is for when somebody
// asks why a device cannot come in.
func (t *Tunnel) Calls(since time.Time) []Call {
	t.mu.Lock()
	socket := t.socket
	t.mu.Unlock()
	if socket == nil {
		return nil
	}
	var list []Call
	for _, c := range socket.Calls(since) {
		key, err := initiation.Sender(t.cfg.PrivateKey, c.Message)
		if err != nil {
			continue // made by somebody who knows our public key, to annoy us
		}
		list = append(list, Call{Key: key, From: c.From, First: c.First, Last: c.Last, Tries: c.Tries, Answers: c.Answers})
	}
	return list
}

// Turns says whether the router turns packets round that this box sends to at,
// an address of the house on the internet and the port there, so that devices at
// home can reach the house by it. It takes up to two seconds, and is false while
// the tunnel is down.
func (t *Tunnel) Turns(ctx context.Context, at netip.AddrPort) bool {
	t.mu.Lock()
	socket := t.socket
	t.mu.Unlock()
	return socket != nil && socket.Turns(ctx, at)
}

// NameTally counts what a peer has looked up inside the tunnel.
type NameTally = dnsproxy.Tally

// Names counts what was looked up from one of these inner addresses since the
// tunnel is up.
func (t *Tunnel) Names(addresses []netip.Addr) NameTally {
	t.mu.Lock()
	names := t.names
	t.mu.Unlock()
	var sum NameTally
	if names == nil {
		return sum
	}
	for _, a := range addresses {
		c := names.Tally(a)
		sum.Asked, sum.Answered = sum.Asked+c.Asked, sum.Answered+c.Answered
		sum.Refused, sum.Failed = sum.Refused+c.Refused, sum.Failed+c.Failed
	}
	return sum
}
