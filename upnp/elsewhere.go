package upnp

import (
	"context"
	"slices"
	"time"
)

// Elsewhere opens other ports of this box than Config.Port, for routers that don't
// give that one to us: they have it themselves, gave it to another machine, insist on
// another one, or share an address by ranges of ports (MAP-E). The port outside is
// always the one inside, so that what leaves this box leaves the router by the port
// that devices call. Its methods are called by one goroutine.
type Elsewhere interface {
	// Port is the one that an earlier run went to; zero: none.
	Port() uint16
	// Promised reports whether there are codes with the present port: then it is
	// left only when it stays away for long.
	Promised() bool
	// Try listens on a port, besides those that are promised, and on no other one
	// that was tried before. An error says that this box has no use for it.
	Try(ctx context.Context, port uint16) error
	// Settle ends the trying: port, which was tried or is the present one, is the one
	// for this run and later ones. After an error it is called again, with the present
	// one.
	Settle(ctx context.Context, port uint16) error
}

const (
	walkTime = 5 * time.Second // for all ports that are tried one after another
	walkMost = 6
	// walkFailed and walkFull are the same after answers that are mostly about the router
	// and not about the port: some say 501 for a port that is taken, or 402, 728, 4 (NAT-PMP)
	// or 8 (PCP) for one that they don't like.
	walkFailed = 2
	walkFull   = 1
	// promisedFor is how long a port that is in codes may be somebody else's until
	// another one is taken: whoever has it may go, and codes be good again.
	promisedFor = 10 * time.Minute
	firstPort   = 1024 // routers keep those below for themselves
)

// elsewhere asks for other ports when the router doesn't give us ours.
func (k *keeper) elsewhere(ctx context.Context, refusal answer) (grant, answer) {
	if !k.mayLeave(refusal) {
		return grant{}, refusal
	}
	settling := context.WithoutCancel(ctx) // what was found is kept, also at the last moment
	ctx, cancel := context.WithTimeout(ctx, walkTime)
	defer cancel()
	e, present, nonce := k.m.config.Elsewhere, k.port, k.nonce
	k.nonce = Nonce{} // it proves the present port
	tries, most := 0, k.walk(refusal)
	k.walked = k.walked || most < walkMost
	k.walking = true
	defer func() { k.walking = false }()
	for ports := k.others(refusal.offered); len(ports) > 0 && tries < most && ctx.Err() == nil; ports = ports[1:] {
		if err := e.Try(ctx, ports[0]); err != nil {
			k.m.log.Debug("another port is of no use", "port", ports[0], "err", err)
			continue
		}
		tries++
		k.port = ports[0]
		g, a := k.mapPort(ctx)
		if !a.ok() {
			if a.outcome != conflict && a.outcome != notAllowed && a.outcome != refusal.outcome {
				break // it isn't about the port
			}
			continue
		}
		if err := e.Settle(settling, k.port); err != nil {
			k.m.log.Warn("another port is open on the router but cannot be kept", "port", k.port, "err", err)
			k.giveBack(ctx)
			break
		}
		k.m.log.Info("the router gave another port", "wanted", present, "port", k.port, "problem", refusal.problem)
		k.m.setPort(k.port)
		return g, a
	}
	k.port, k.nonce = present, nonce
	if err := e.Settle(settling, present); err != nil {
		k.m.log.Warn("going back to the port of before failed", "port", present, "err", err)
	}
	return grant{}, refusal
}

// walk is how many other ports are asked for after a refusal.
func (k *keeper) walk(a answer) int {
	switch {
	case a.outcome == conflict, a.outcome == notAllowed && a.offered != 0:
		return walkMost
	case k.walked: // once is enough, until the router gives a port again
		return 0
	case a.outcome == notAllowed && k.onlyGuesses(a):
		return walkMost
	case a.outcome == failed && k.heldVerdict() == Mapped: // without a public address it is about that
		return walkFailed
	case a.outcome == tableFull, a.outcome == badArgument:
		return walkFull
	}
	return 0
}

// onlyGuesses reports whether a refusal is PCP's, of a router whose table nobody can
// read: it is the same for a rule that allows nothing and for one that allows other
// ports, as where an address is shared by ranges of them (MAP-E). Exactly one port is
// one small packet; any port is never asked for, see pcpSession.taken.
func (k *keeper) onlyGuesses(a answer) bool {
	_, asked := k.session.(*pcpSession)
	return asked && a.code == int(pcpCannotProvideExternal)
}

// mayLeave reports whether the present port is to be given up after a refusal.
func (k *keeper) mayLeave(a answer) bool {
	e := k.m.config.Elsewhere
	if !k.side.leads || e == nil || k.walk(a) == 0 {
		return false
	}
	if a.holder.former && a.holder.ends > 0 {
		return false // our own entry of before, which ends by itself
	}
	if k.awaySince.IsZero() {
		k.awaySince = time.Now()
	}
	return !e.Promised() || time.Since(k.awaySince) >= promisedFor
}

// others are the ports to ask for instead: the first one if we are away from it, the
// one that the router offered; then one in each quarter of all ports, since of two or
// four homes that share an address each has such a part; then neighbours. They are the
// same each time.
func (k *keeper) others(offered uint16) []uint16 {
	first := k.m.config.Port
	list := []uint16{first, offered, first + 1<<14, first + 2<<14, first + 3<<14, otherPort(first), first + 1, first + 2}
	var out []uint16
	for _, p := range list {
		if p >= firstPort && p != k.port && !slices.Contains(out, p) && !k.forwarded(p) {
			out = append(out, p)
		}
	}
	return out
}

// forwarded reports whether the owner has another use for a port.
func (k *keeper) forwarded(port uint16) bool {
	return slices.ContainsFunc(*k.m.wanted.Load(), func(f Forward) bool { return f.Protocol == udp && f.contains(port) })
}

// follow goes to the port that the leading side has found.
func (k *keeper) follow(ctx context.Context) {
	port := k.m.port()
	if port == k.port {
		return
	}
	k.giveBack(ctx)
	k.port, k.mapping, k.nonce, k.nextTry = port, nil, Nonce{}, time.Now()
}
