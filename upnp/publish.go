package upnp

import "net/netip"

// heldVerdict says what a mapping is worth, given the router's own address.
func (k *keeper) heldVerdict() Verdict {
	if !k.wanTold || k.side.six {
		return Mapped // with IPv6 our address is our own
	}
	switch classify(k.wan) {
	case wanPrivate:
		return PrivateWAN
	case wanCarrier:
		return CarrierNAT
	case wanNone:
		return NoWAN
	}
	return Mapped
}

// publish puts together what is known. At the end of Run nothing is published: an
// answer that was cut off says nothing about the router.
func (k *keeper) publish(v Verdict, a answer) {
	if k.stopping.Err() != nil {
		return
	}
	s := Status{
		Verdict:   v,
		CheckedAt: k.checkedAt,
		Port:      k.port,
		FirstPort: k.m.config.Port,
		Gateway:   k.gw,
		Router:    k.lastSeen,
		WAN:       k.wan,
		Problem:   a.problem,
		Denied:    k.denied,
	}
	if k.side.leads {
		s.Others = k.m.others.of(k.gw.Addr)
	}
	switch {
	case k.side.six:
		s.WAN, s.External = netip.Addr{}, k.gw.Self
	case classify(k.wan) == wanPublic:
		s.External = k.wan
	}
	if k.mapping != nil {
		shown := *k.mapping
		shown.External = netip.AddrPortFrom(s.External, shown.External.Port())
		if c, ok := k.session.(counter); ok {
			shown.TrafficAt = c.trafficAt()
		}
		s.Mapping = &shown
	}
	if k.side.six {
		s.Advice = advice6(s, a)
	} else {
		s.Advice = advice(s, a)
	}
	k.side.tell(s)
}
