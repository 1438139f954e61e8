package upnp

import (
	"context"
	"net/netip"
	"time"
)

// keeper is the state of one Run. Only its goroutine touches it.
type keeper struct {
	m        *Mapper
	side     *side
	stopping context.Context // Run's: when it has ended, half an answer is no news
	ears     *ears
	port     uint16 // the one that is asked for
	// awaySince is when the router began to give the port to others; zero: it doesn't.
	awaySince time.Time
	walked    bool // other ports were asked for though it is hardly about the port
	walking   bool // other ports are asked for

	gw      Gateway // the zero value while there is none
	former  []netip.Addr
	session session // the candidate in use; nil while none answered
	stale   bool    // the session is to be found anew before it is used for more than giving back
	// candidates are all sessions that answered, the preferred one first.
	candidates []session
	passed     []string // what the protocols before the first candidate answered
	cut        bool     // find didn't wait for all protocols
	missing    bool     // a candidate didn't do its work as a router should: find them anew
	maker      session  // the candidate that was asked for the mapping last
	worked     string   // Via of the one that made it
	lastSeen   Router   // of this gateway
	wan        netip.Addr
	wanTold    bool     // the router answered when asked for its address
	mapping    *Mapping // nil, or what is there, or is believed to be
	asked      bool     // an entry of ours may be on the router, also without a mapping
	swept      bool     // leftovers of earlier runs were looked for
	started    bool     // the first attempt is over: keep distance between calls
	left       bool     // the owner forwards the port: see leaveToOwner

	notes    []Note // of this run and earlier ones, as in the journal
	tried    []Note // of earlier runs, that were to be given back
	restored string // Via of what an earlier run may have left here
	nonce    Nonce  // of that

	forwards forwards // only of IPv4

	failures  int           // in a row
	longest   time.Duration // the longest lease granted here
	checkedAt time.Time
	heldSince time.Time // zero while there is trouble
	grantedAt time.Time // when the router said yes to what it has not given yet
	denied    Denied

	nextRoute, nextTry, nextCheck, nextAddress time.Time
	nextWitness                                time.Time
	nextKnock, knockUntil                      time.Time // see knock; knockUntil is zero while all is well
	hintedAt                                   time.Time // when an announcement made, or will make, us ask
}

// step does what is due and returns when the next thing is.
func (k *keeper) step(ctx context.Context) time.Time {
	if !time.Now().Before(k.nextRoute) {
		k.lookAtRoute(ctx)
	}
	if !k.gw.Addr.IsValid() {
		return k.nextRoute
	}
	k.follow(ctx)
	if k.left = k.leavesToOwner(); k.left {
		k.leaveToOwner(ctx)
	} else if !k.held() {
		k.knock(ctx)
		if !time.Now().Before(k.nextTry) {
			k.attempt(ctx)
		}
	} else {
		k.tend(ctx)
	}
	k.tendForwards(ctx)
	return k.due()
}

// held reports whether there is a mapping and a router to tend it with.
func (k *keeper) held() bool { return k.session != nil && !k.stale && k.mapping != nil }

func (k *keeper) due() time.Time {
	if !k.gw.Addr.IsValid() {
		return k.nextRoute
	}
	return earliest(k.mappingDue(), k.forwardsDue())
}

// mappingDue is when there is something to do about our own port.
func (k *keeper) mappingDue() time.Time {
	if k.left {
		return earliest(k.nextRoute, k.nextTry)
	}
	if !k.held() {
		at := earliest(k.nextRoute, k.nextTry)
		if k.knocking() {
			at = earliest(at, k.nextKnock)
		}
		return at
	}
	at := earliest(k.nextRoute, k.nextCheck, k.nextAddress)
	if !k.mapping.Foreign && !k.mapping.RenewAfter.IsZero() {
		at = earliest(at, k.mapping.RenewAfter)
	}
	return at
}

func earliest(first time.Time, more ...time.Time) time.Time {
	for _, t := range more {
		if t.Before(first) {
			first = t
		}
	}
	return first
}

func (k *keeper) want() want {
	lease := k.m.config.Lease
	if len(k.former) > 0 && !k.side.six {
		lease = min(lease, movingLease)
	}
	return want{
		port:        k.port,
		description: k.m.config.Description,
		lease:       lease,
		client:      k.gw.client(),
		former:      k.former,
		nonce:       k.nonce,
		proof: func(client netip.Addr) Nonce {
			return nonceOf(k.m.config.Secret, k.gw.Addr, client, k.port)
		},
		held:     k.mapping != nil && !k.mapping.Foreign,
		guess:    k.walking,
		leftover: k.leftover,
	}
}
