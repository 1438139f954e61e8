package peers

// Name is the display name of a peer, as ParseName accepts it.
type Name string

// ParseName TODO.
func ParseName(s string) (Name, error) { return Name(s), nil }
