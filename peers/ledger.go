package peers

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// Reason says what of a config that was handed out is no longer so.
type Reason string

// The reasons, in the order in which they are told.
const (
	ReasonEndpoint  Reason = "endpoint"   // home is called by another name or address
	ReasonPort      Reason = "port"       // home listens on another port outside
	ReasonServerKey Reason = "server_key" // homeward has another key
	ReasonAddress   Reason = "address"    // the peer has another address, or another tunnel prefix
	ReasonDNS       Reason = "dns"
	ReasonNetworks  Reason = "networks" // home has other networks, or others should go through it
	ReasonProfile   Reason = "profile"  // another part of its traffic should go through home
	ReasonMTU       Reason = "mtu"
	ReasonKeepalive Reason = "keepalive"
)

// fingerprint is what a config said, without its secrets: the ledger's entry.
type fingerprint struct {
	Host      string         `json:"host"`
	Port      uint16         `json:"port"`
	ServerKey string         `json:"server_key"`
	Addresses []netip.Prefix `json:"addresses"`
	DNS       []netip.Addr   `json:"dns"`
	Allowed   []netip.Prefix `json:"allowed_ips"`
	Profile   Profile        `json:"profile"`
	MTU       int            `json:"mtu"`
	Keepalive time.Duration  `json:"keepalive_ns"`
	OwnKey    bool           `json:"own_key"` // the device keeps its own private key
}

func fingerprintOf(c ClientConfig) *fingerprint {
	return &fingerprint{
		c.Endpoint.Host, c.Endpoint.Port, c.ServerKey.String(), c.Addresses, c.DNS, c.AllowedIPs, c.profile, c.MTU, c.Keepalive, c.PrivateKey.IsZero(),
	}
}

// differences lists what now says differently. What is not known now is taken as
// unchanged: the network may be down for a moment.
func (f *fingerprint) differences(now *fingerprint, lanKnown bool) []Reason {
	var list []Reason
	for _, d := range []struct {
		reason  Reason
		changed bool
	}{
		{ReasonEndpoint, now.Host != "" && f.Host != now.Host},
		{ReasonPort, now.Host != "" && f.Port != now.Port},
		{ReasonServerKey, f.ServerKey != now.ServerKey},
		{ReasonAddress, !slices.Equal(f.Addresses, now.Addresses)},
		{ReasonDNS, !slices.Equal(f.DNS, now.DNS)},
		{ReasonNetworks, lanKnown && f.Profile == now.Profile && !slices.Equal(f.Allowed, now.Allowed)},
		{ReasonProfile, f.Profile != now.Profile},
		{ReasonMTU, f.MTU != now.MTU},
		{ReasonKeepalive, f.Keepalive != now.Keepalive},
	} {
		if d.changed {
			list = append(list, d.reason)
		}
	}
	return list
}

// outdated lists why a code of p that said f should be replaced, as far as it is
// known what it said.
func (f *fingerprint) outdated(p Peer, facts Facts) []Reason {
	if f == nil {
		return nil
	}
	var endpoint Endpoint
	if facts.Endpoint != nil {
		endpoint = *facts.Endpoint
	}
	now := newClientConfig(p, secret.Key{}, endpoint, facts)
	return f.differences(fingerprintOf(now), len(facts.LAN) > 0 || p.Routes != "")
}

// text and parseFingerprint are the ledger's entry in the database.
func (f *fingerprint) text() (string, error) {
	b, err := json.Marshal(f)
	return string(b), err
}

func parseFingerprint(s string) (*fingerprint, error) {
	f := &fingerprint{}
	if err := json.Unmarshal([]byte(s), f); err != nil {
		return nil, fmt.Errorf("its entry in the ledger is damaged: %w", err)
	}
	if _, err := wgtypes.ParseKey(f.ServerKey); err != nil {
		return nil, fmt.Errorf("its entry in the ledger has no server key: %w", err)
	}
	return f, nil
}
