package api

// The document says that a list is never null, so that programs need not expect it.
// What is handed to the handler may have none where it is empty.

// list is s, or an empty list for none.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// each is a list of what f makes of s.
func each[T any](s []T, f func(T) T) []T {
	out := make([]T, 0, len(s))
	for _, v := range s {
		out = append(out, f(v))
	}
	return out
}

func (s Status) full() Status {
	s.Joints, s.Facts, s.Reachability.Evidence = list(s.Joints), list(s.Facts), list(s.Reachability.Evidence)
	if s.Guide != nil {
		g := s.Guide.full()
		s.Guide = &g
	}
	return s
}

func (g Guide) full() Guide {
	g.Menu, g.Values, g.Steps, g.Others = list(g.Menu), list(g.Values), list(g.Steps), list(g.Others)
	return g
}

func (f Forward) full() Forward {
	f.Findings = list(f.Findings)
	return f
}

func (t PortTable) full() PortTable {
	t.Ports = each(t.Ports, func(p Port) Port {
		p.Findings = list(p.Findings)
		return p
	})
	return t
}

func (n DNSName) full() DNSName {
	n.Providers = list(n.Providers)
	return n
}

func (s Settings) full() Settings {
	s.File, s.EchoOffers = list(s.File), list(s.EchoOffers)
	return s
}

func (t PeerTest) full() PeerTest {
	t.Steps = list(t.Steps)
	return t
}

func (i Imported) full() Imported {
	i.Networks, i.Told = list(i.Networks), list(i.Told)
	i.Devices = each(i.Devices, func(d ImportedDevice) ImportedDevice {
		d.Addresses = list(d.Addresses)
		return d
	})
	return i
}

func (r Restored) full() Restored {
	r.Networks = list(r.Networks)
	return r
}

func (r RunningInterfaces) full() RunningInterfaces {
	r.Interfaces = list(r.Interfaces)
	return r
}

func (r Renumbered) full() Renumbered {
	r.From, r.To, r.Told = list(r.From), list(r.To), list(r.Told)
	r.Devices = each(r.Devices, func(d RenumberedDevice) RenumberedDevice {
		d.From, d.To = list(d.From), list(d.To)
		return d
	})
	return r
}
