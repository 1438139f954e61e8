package peers

import "time"

// Defaults are what a NewPeer gets that doesn't say otherwise. The zero value is
// what the fields of NewPeer say.
type Defaults struct {
	Profile   Profile
	Access    Access
	DNS       *bool
	Keepalive *time.Duration
}

// Check reports the first value that no peer could have. Errors are FieldErrors.
func (d Defaults) Check() error {
	_, err := NewPeer{Name: "any"}.or(d).peer(time.Now())
	return err
}

// or is n with d's values where it has none of its own.
func (n NewPeer) or(d Defaults) NewPeer {
	if n.Profile == "" {
		n.Profile = d.Profile
	}
	if n.Access == "" {
		n.Access = d.Access
	}
	if n.DNS == nil {
		n.DNS = d.DNS
	}
	if n.Keepalive == nil {
		n.Keepalive = d.Keepalive
	}
	return n
}
