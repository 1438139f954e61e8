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
	Key     string     `json:"key"` // device, router, port, ipv6, address, outside, home, and network or memory when those are wrong
	Title   string     `json:"title"`
	State   JointState `json:"state"`
	Summary string     `json:"summary"`          // one sentence
	Advice  string     `json:"advice,omitempty"` // what to do
	Since   time.Time  `json:"since,omitzero"`

	// What Summary and Advice say, for readers of other languages. Both may be empty.
	Says    []Saying `json:"-"`
	Advises []Saying `json:"-"`
}

// Saying is a sentence of the catalogue of texts: a code, and pairs of a
// parameter's name and its value.
type Saying struct {
	Code  string
	Pairs []any
}

// Reachability is whether the house can be reached from outside, in one verdict with
// what it rests on.
type Reachability struct {
	// Verdict is a word for programs: seen, mapped, by-hand, codes-stale, no-igd, refused,
	// conflict, double-nat, carrier-nat, ds-lite, ipv6-only, no-address, router-broken,
	// router-lies, no-router, not-asked or unknown.
	Verdict  string     `json:"verdict"`
	Since    time.Time  `json:"since,omitzero"`
	Text     string     `json:"text"`             // one sentence
	Advice   string     `json:"advice,omitempty"` // what to do
	Evidence []Evidence `json:"evidence"`         // the best first; empty: nothing was seen
	// Lies are what the router says that was seen to be otherwise, again and again. There
	// may be some although somebody came in.
	Lies []Lie `json:"lies,omitempty"`
}

// RouterLies is the verdict of a Reachability that rests on Lies.
const RouterLies = "router-lies"

// Lie is a word of the router's that disagrees with what was seen.
type Lie struct {
	About string `json:"about"` // address (of the house), or entry (in the router's table)
	// Told is what the router says, and Seen what was seen, of an address.
	Told  string    `json:"told,omitempty"`
	Seen  string    `json:"seen,omitempty"`
	By    string    `json:"by"`    // who saw it: a server outside, or the protocol by which the table is read
	Times int       `json:"times"` // how often it was seen since then
	Since time.Time `json:"since"`
}

// Evidence is a packet that came in from outside.
type Evidence struct {
	Kind   string    `json:"kind"` // handshake, knock (by a browser) or counter (the router's)
	At     time.Time `json:"at"`
	Family string    `json:"family"`         // IPv4 or IPv6
	From   string    `json:"from,omitempty"` // the address outside; of before the last start, its network
}

// Hairpin says whether devices at home reach the house by its public address.
type Hairpin string

// The hairpins.
const (
	HairpinUnknown Hairpin = ""
	HairpinWorks   Hairpin = "works"
	HairpinMissing Hairpin = "missing" // at home, tunnels have to be off
)

// Status is the way home at one moment.
type Status struct {
	Version string  `json:"version"`
	Joints  []Joint `json:"joints"`
	Facts   []Fact  `json:"facts"` // for a report of what is wrong
	// Names are the house's names on the internet. They tell where it is: who shows a
	// status to strangers leaves them out.
	Names        []string     `json:"names,omitempty"`
	Backup       BackupState  `json:"backup"`
	Reachability Reachability `json:"reachability,omitzero"`
	// Knocks are those of browsers that were heard since the start, the latest first.
	Knocks []HeardKnock `json:"knocks,omitempty"`
	// Hairpin was tried out.
	Hairpin Hairpin `json:"hairpin,omitempty"`
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
	Kind      string     `json:"kind"` // phone, laptop, tablet, router, tv or other
	Note      string     `json:"note"`
	Profile   string     `json:"profile"`
	Access    string     `json:"access"` // everything, home or internet
	PublicKey string     `json:"public_key"`
	Addresses []string   `json:"addresses"`
	DNS       bool       `json:"dns"`
	Routes    string     `json:"allowed_ips,omitempty"` // what goes through its tunnel where it is not as the profile says, with commas
	Resolvers string     `json:"resolvers,omitempty"`   // the DNS servers that it asks where they are not ours, with commas
	Keepalive int        `json:"keepalive_seconds"`     // 0: none
	Enabled   bool       `json:"enabled"`
	Expires   *time.Time `json:"expires,omitempty"`
	IdleDays  int        `json:"idle_days"`           // disabled after as many without a sign; 0: never
	IdledOut  bool       `json:"idled_out,omitempty"` // that happened
	State     string     `json:"state"`               // active, pending, disabled or expired
	Renewing  bool       `json:"renewing"`            // a new code waits for its first use
	Created   time.Time  `json:"created"`
	Version   int64      `json:"version"` // also its ETag
	Seen      *time.Time `json:"seen,omitempty"`
	Handshake *time.Time `json:"last_handshake,omitempty"` // since homeward started
	Endpoint  string     `json:"endpoint,omitempty"`
	Received  uint64     `json:"received_bytes"`
	Sent      uint64     `json:"sent_bytes"`
	Leaves    *time.Time `json:"leaves,omitempty"`     // when it is removed, unless somebody keeps it
	OwnKey    bool       `json:"own_key,omitempty"`    // it keeps its own private key
	NeedsCode []Hint     `json:"needs_code,omitempty"` // why its code should be replaced
	NextReady bool       `json:"next_ready,omitempty"` // the new code that waits is as it should be
	Hints     []Hint     `json:"hints,omitempty"`      // what its owner probably did not mean
}

// Hint is advice about a peer.
type Hint struct {
	Key  string `json:"key"`
	Text string `json:"text"` // one sentence
}

// Issued is a peer whose config can still be fetched.
type Issued struct {
	Peer     Peer      `json:"peer"`
	Until    time.Time `json:"config_until"`
	Kept     bool      `json:"config_kept"` // the config can be had after that, too, until there is another
	FileName string    `json:"file_name"`
	Warnings []string  `json:"warnings,omitempty"` // of the endpoint in the config
}

// Problem is an error as RFC 9457 has it.
type Problem struct {
	Type   string `json:"type"` // about:blank
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"` // the member of the request that is wrong
	// Problems are all that is wrong with the files of another server, with where.
	Problems []FileProblem `json:"problems,omitempty"`
}

// FileProblem is something that is wrong with another server's files.
type FileProblem struct {
	Where string `json:"where"` // "wg0.conf, line 7", "device Anna"
	What  string `json:"what"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// PeersFrom shows peers as the interface does.
func PeersFrom(list []peers.Peer) []Peer {
	out := []Peer{}
	for _, p := range list {
		out = append(out, peerFrom(p))
	}
	return out
}

func peerFrom(p peers.Peer) Peer {
	out := Peer{
		ID: int64(p.ID), Name: string(p.Name), Kind: string(p.Kind), Note: p.Note, Profile: string(p.Profile), Access: string(p.Access),
		PublicKey: p.PublicKey.String(), DNS: p.DNS, Routes: string(p.Routes), Resolvers: string(p.Resolvers), Keepalive: int(p.Keepalive / time.Second), Enabled: p.Enabled,
		Expires: moment(p.Expires), IdleDays: p.IdleDays, IdledOut: p.IdledOut, State: string(p.State), Renewing: p.Renewing(), OwnKey: p.OwnKey, NextReady: p.NextReady,
		Created: p.Created.UTC(), Version: p.Version, Seen: moment(p.Seen), Handshake: moment(p.Observed.LastHandshake),
		Leaves: moment(p.Leaves), Received: p.Observed.ReceivedBytes, Sent: p.Observed.SentBytes,
	}
	out.Addresses = []string{}
	for _, a := range p.Addresses {
		out.Addresses = append(out.Addresses, a.String())
	}
	if p.Observed.Endpoint.IsValid() {
		out.Endpoint = p.Observed.Endpoint.String()
	}
	for _, h := range p.Hints() {
		out.Hints = append(out.Hints, Hint{string(h), HintText(h, p)})
	}
	for _, r := range p.NeedsCode {
		out.NeedsCode = append(out.NeedsCode, Hint{string(r), ReasonText(r)})
	}
	return out
}

// moment is nil for no time at all.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func issuedFrom(i peers.Issued) Issued {
	return Issued{Peer: peerFrom(i.Peer), Until: i.Until.UTC(), Kept: i.Kept, FileName: i.Client.FileName() + ".conf", Warnings: i.Client.Endpoint.Warnings}
}
