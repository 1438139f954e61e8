package peers

// Kind says what sort of device a peer is, for people and pictures only.
type Kind string

// The kinds. The zero Kind of a NewPeer means KindOther.
const (
	KindPhone  Kind = "phone"
	KindLaptop Kind = "laptop"
	KindTablet Kind = "tablet"
	KindRouter Kind = "router"
	KindTV     Kind = "tv"
	KindOther  Kind = "other"
)

// Kinds lists all kinds in the order in which people are offered them.
func Kinds() []Kind {
	return []Kind{KindPhone, KindLaptop, KindTablet, KindRouter, KindTV, KindOther}
}

// ParseKind reads the name of a kind; an empty one is KindOther.
func ParseKind(s string) (Kind, error) {
	if s == "" {
		return KindOther, nil
	}
	for _, k := range Kinds() {
		if s == string(k) {
			return k, nil
		}
	}
	return "", fieldErrorf("kind", "%.40q is not a kind of device: use phone, laptop, tablet, router, tv or other", s)
}
