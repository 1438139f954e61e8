package upnp

import (
	"fmt"
	"net/netip"
	"time"
)

// outcome is what a request to a router came to. The set is closed: whatever
// a protocol hears is one of these, and the mapper has one action for each.
type outcome uint8

const (
	done        outcome = iota
	notThere            // no such entry; not an error
	unsupported         // the router doesn't know this action
	moved               // nobody behind the address we had: look again at once
	silent              // no answer in time
	broken              // an answer that makes no sense
	notAllowed          // the router's settings forbid it
	conflict            // the port belongs to another machine, or to the router
	badLease            // only permanent leases
	badArgument         // 402: a lease it dislikes, a full table or an unknown device
	badShape            // this kind of request isn't accepted at all
	samePort            // external and internal port must be equal (ours are)
	tableFull           // no room for another entry
	failed              // the router tried and couldn't; often it has no public address
	notNeeded           // there is no firewall to open
	behindNAT           // the router sees another address than ours: something translates in between
)

var outcomeNames = [...]string{
	"done", "not there", "unsupported", "moved", "silent", "broken", "not allowed", "conflict",
	"bad lease", "bad argument", "bad shape", "same port", "table full", "failed", "not needed", "behind NAT",
}

func (o outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// answer is an outcome with what is worth telling about it.
type answer struct {
	outcome outcome
	code    int    // the protocol's own code, zero when there was none
	problem string // short, for status and log: "UPnP error 606 (Action not authorized)"
	holder  holder // who has the port, after conflict
	offered uint16 // another port that the router would give; zero: not told
	denied  bool   // the router said yes just before, and its table says otherwise
}

func (a answer) ok() bool { return a.outcome == done }

// holder is the owner of an entry that isn't ours.
type holder struct {
	client netip.Addr // invalid when the router keeps the port for itself or doesn't say
	name   string     // the entry's description, cleaned
	// former is set when the entry is our own for an address that we no longer
	// have; it ends after that time, zero meaning never.
	former bool
	ends   time.Duration
}

// want is the mapping that the mapper asks for.
type want struct {
	port        uint16
	description string
	lease       time.Duration
	client      netip.Addr
	// former are addresses that we had earlier in this run: an entry with our
	// description for one of them is ours, too.
	former []netip.Addr
	// nonce is the one that an earlier run noted for this mapping; zero: none.
	nonce Nonce
	// proof is the nonce of a PCP mapping of ours to an address; nil: not known.
	proof func(client netip.Addr) Nonce
	// held is set when the router granted us the mapping in this run: an entry that
	// leads to us is then ours, even if the router changed its description.
	held bool
	// guess is set for one port of several that are asked for in turn: why one of them
	// isn't to be had need not be found out.
	guess bool
	// leftover reports other entries of ours that nobody wants any more; nil: none are
	// known. See Forward.
	leftover func(row) bool
}

// grant is what the router gave for a want.
type grant struct {
	lease    time.Duration // zero: permanent
	verified bool          // read back and found right
	foreign  bool          // the entry leads to us, but somebody else made it: not ours to renew or remove
	// told is set when the router said its address with the grant; external is then
	// what session.external would have returned.
	told     bool
	external netip.Addr
}
