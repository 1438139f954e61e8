package api

import (
	"time"

	"homeward/peers"
)

// JointState says what is known of a joint of the way home.
type JointState string

// The states. Working is said only of what was observed.
const (
	JointUnknown   JointState = "unknown"
	JointWorking   JointState = "working"
	JointAttention JointState = "attention"
	JointFailed    JointState = "failed"
)

// Joint is one part of the path from the internet to the LAN.
type Joint struct {
	Key     string     `json:"key"` // device, router, port, address or outside
	Title   string     `json:"title"`
	State   JointState `json:"state"`
	Summary string     `json:"summary"`          // one sentence
	Advice  string     `json:"advice,omitempty"` // what to do
	Since   time.Time  `json:"since,omitzero"`
}

// Status is the way home at one moment.
type Status struct {
	Version string  `json:"version"`
	Joints  []Joint `json:"joints"`
	Facts   []Fact  `json:"facts"` // for a report of what is wrong
	// Guide says how the port is opened by hand, when that is what is left.
	Guide *Guide `json:"guide,omitempty"`
}

// Fact is something that helps those who help.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Peer is a device that may come in.
type Peer struct {
	ID        int64      `json:"id"`
	Name      string     `json:"name"`
	Profile   string     `json:"profile"`
	Access    string     `json:"access"` // everything, home or internet
	PublicKey string     `json:"public_key"`
	Addresses []string   `json:"addresses"`
	Enabled   bool       `json:"enabled"`
	State     string     `json:"state"`
	Renewing  bool       `json:"renewing"` // a new code waits for its first use
	Created   time.Time  `json:"created"`
	Version   int64      `json:"version"`
	Handshake *time.Time `json:"last_handshake,omitempty"`
	Endpoint  string     `json:"endpoint,omitempty"`
	Received  uint64     `json:"received_bytes"`
	Sent      uint64     `json:"sent_bytes"`
}

// Issued is a peer whose config can still be fetched.
type Issued struct {
	Peer     Peer      `json:"peer"`
	Until    time.Time `json:"config_until"`
	FileName string    `json:"file_name"`
	Warnings []string  `json:"warnings,omitempty"` // of the endpoint in the config
}

// NewPeer asks for a peer.
type NewPeer struct {
	Name      string `json:"name"`
	Profile   string `json:"profile,omitempty"`
	Access    string `json:"access,omitempty"`
	PublicKey string `json:"public_key,omitempty"` // of a device that keeps its own private key
}

// PeerChange changes a peer: one thing or both.
type PeerChange struct {
	Enabled *bool   `json:"enabled,omitempty"`
	Access  *string `json:"access,omitempty"`
}

// Problem is an error as RFC 9457 has it.
type Problem struct {
	Type   string `json:"type"` // about:blank
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"` // the member of the request that is wrong
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

func peerFrom(p peers.Peer) Peer {
	out := Peer{
		ID: int64(p.ID), Name: string(p.Name), Profile: string(p.Profile), Access: string(p.Access), PublicKey: p.PublicKey.String(),
		Enabled: p.Enabled, State: string(p.State), Renewing: p.Renewing(), Created: p.Created.UTC(), Version: p.Version,
		Received: p.Observed.ReceivedBytes, Sent: p.Observed.SentBytes,
	}
	for _, a := range p.Addresses {
		out.Addresses = append(out.Addresses, a.String())
	}
	if o := p.Observed; !o.LastHandshake.IsZero() {
		t := o.LastHandshake.UTC()
		out.Handshake = &t
	}
	if p.Observed.Endpoint.IsValid() {
		out.Endpoint = p.Observed.Endpoint.String()
	}
	return out
}

func issuedFrom(i peers.Issued) Issued {
	return Issued{Peer: peerFrom(i.Peer), Until: i.Until.UTC(), FileName: i.Client.FileName() + ".conf", Warnings: i.Client.Endpoint.Warnings}
}
