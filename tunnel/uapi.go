package tunnel

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// The control text of wireguard-go is lines of key=value. This file is the only
// one that writes or reads it. Everything written comes from a type whose text
// has no line break: keys as hex, addresses without zones, numbers.

// controlText renders changes.
type controlText struct{ b strings.Builder }

func (c *controlText) key(name string, k wgtypes.Key) {
	c.b.WriteString(name + "=" + hex.EncodeToString(k[:]) + "\n")
}

func (c *controlText) number(name string, n int) {
	c.b.WriteString(name + "=" + strconv.Itoa(n) + "\n")
}

func (c *controlText) yes(name string) { c.b.WriteString(name + "=true\n") }

// peer writes what a peer shall be. An existing one keeps its session.
func (c *controlText) peer(p Peer, exists bool) {
	c.key("public_key", p.PublicKey)
	if exists {
		c.yes("update_only")
	} else {
		c.key("preshared_key", p.PresharedKey.Reveal())
	}
	c.number("persistent_keepalive_interval", int(p.Keepalive/time.Second))
	c.yes("replace_allowed_ips")
	for _, a := range p.Addresses {
		a = a.Unmap().WithZone("")
		c.b.WriteString("allowed_ip=" + netip.PrefixFrom(a, a.BitLen()).String() + "\n")
	}
}

func (c *controlText) remove(k wgtypes.Key) {
	c.key("public_key", k)
	c.yes("remove")
}

// changes says what turns the peers in from into those in to, and which inner
// addresses are no longer whose they were. Peers that stay as they are do not
// occur. A new preshared key ends the session: the peer is removed and added.
func changes(from, to map[wgtypes.Key]Peer) (text string, cut []netip.Addr) {
	var c controlText
	var removed, fresh, changed []Peer
	stay := 0
	for k, now := range to {
		old, known := from[k]
		if known {
			stay++
		}
		switch {
		case !known:
			fresh = append(fresh, now)
		case now.PresharedKey != old.PresharedKey:
			removed, fresh = append(removed, old), append(fresh, now)
		case !samePeer(old, now):
			changed = append(changed, now)
			for _, a := range old.Addresses {
				if !slices.Contains(now.Addresses, a) {
					cut = append(cut, a)
				}
			}
		}
	}
	for k, old := range from {
		if stay == len(from) {
			break // nobody leaves: a thousand need not be asked
		}
		if _, stays := to[k]; !stays {
			removed = append(removed, old)
		}
	}
	// What differs is in order, whatever the maps' is.
	for _, list := range [][]Peer{removed, fresh, changed} {
		slices.SortFunc(list, func(a, b Peer) int { return bytes.Compare(a.PublicKey[:], b.PublicKey[:]) })
	}
	for _, p := range removed {
		c.remove(p.PublicKey)
		cut = append(cut, p.Addresses...)
	}
	slices.SortFunc(cut, netip.Addr.Compare)
	for _, p := range changed {
		c.peer(p, true)
	}
	for _, p := range fresh {
		c.peer(p, false)
	}
	return c.b.String(), cut
}

func samePeer(a, b Peer) bool {
	return a.Keepalive == b.Keepalive && a.PresharedKey == b.PresharedKey && slices.Equal(a.Addresses, b.Addresses)
}

// deviceText is the device's own configuration at its start.
func deviceText(c Config) string {
	var t controlText
	t.key("private_key", c.PrivateKey.Reveal())
	t.number("listen_port", int(c.ListenPort))
	t.yes("replace_peers")
	return t.b.String()
}

// parseStatus reads what the device says of its peers.
func parseStatus(text string) ([]PeerStatus, error) {
	var list []PeerStatus
	var seconds int64
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		name, v, _ := strings.Cut(s.Text(), "=")
		if name == "public_key" {
			raw, err := hex.DecodeString(v)
			if err != nil || len(raw) != wgtypes.KeyLen {
				return nil, fmt.Errorf("reading the device's peers: public key %.80q", v)
			}
			list = append(list, PeerStatus{PublicKey: wgtypes.Key(raw)})
			continue
		}
		if len(list) == 0 {
			continue // the device's own part, private key included
		}
		p := &list[len(list)-1]
		var err error
		switch name {
		case "endpoint":
			p.Endpoint, err = netip.ParseAddrPort(v)
			p.Endpoint = netip.AddrPortFrom(p.Endpoint.Addr().Unmap(), p.Endpoint.Port())
		case "last_handshake_time_sec":
			seconds, err = strconv.ParseInt(v, 10, 64)
		case "last_handshake_time_nsec":
			var ns int64
			if ns, err = strconv.ParseInt(v, 10, 64); seconds != 0 || ns != 0 {
				p.LastHandshake = time.Unix(seconds, ns)
			}
		case "rx_bytes":
			p.ReceivedBytes, err = strconv.ParseUint(v, 10, 64)
		case "tx_bytes":
			p.SentBytes, err = strconv.ParseUint(v, 10, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the device's peers: %s: %w", name, err)
		}
	}
	return list, nil
}
