package peers

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Order is an order in which people look at devices. What is no order is OrderName.
type Order string

// The orders of devices.
const (
	OrderName    Order = "name"    // as Manager.List has them
	OrderSeen    Order = "seen"    // who was here last comes first
	OrderTraffic Order = "traffic" // who moved the most comes first
	OrderAdded   Order = "added"   // the newest comes first
)

// Orders are all orders, the usual one first.
func Orders() []Order { return []Order{OrderName, OrderSeen, OrderTraffic, OrderAdded} }

// ParseOrder reads an order; an empty one is the usual one. The error of another text
// is a FieldError of the field sort, for programs and the command line: the page goes by
// the usual order then.
func ParseOrder(s string) (Order, error) {
	if s == "" {
		return OrderName, nil
	}
	if o := Order(s); slices.Contains(Orders(), o) {
		return o, nil
	}
	return "", &FieldError{Field: "sort", Problem: fmt.Sprintf("%.40q is no order: use name, seen, traffic or added", s)}
}

// Sorted is the list, which comes by name, in an order: the list itself by name, else
// another one.
func Sorted(list []Peer, by Order) []Peer {
	var compare func(a, b Peer) int
	switch by {
	case OrderSeen:
		compare = func(a, b Peer) int { return b.Seen.Compare(a.Seen) }
	case OrderTraffic:
		total := func(p Peer) uint64 { return p.Observed.ReceivedBytes + p.Observed.SentBytes }
		compare = func(a, b Peer) int { return cmp.Compare(total(b), total(a)) }
	case OrderAdded:
		compare = func(a, b Peer) int { return cmp.Compare(b.ID, a.ID) }
	default:
		return list
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, compare)
	return list
}

// Find picks those of the list that have the words, in whatever case, in their name,
// note or kind, or at the beginning of an address. For no words it is the list itself.
func Find(list []Peer, words string) []Peer {
	words = strings.ToLower(strings.TrimSpace(words))
	if words == "" {
		return list
	}
	var found []Peer
	for _, p := range list {
		if p.has(words) {
			found = append(found, p)
		}
	}
	return found
}

// has reports whether a device has the words, which are in lower case, in what people
// know of it.
func (p Peer) has(words string) bool {
	if strings.Contains(strings.ToLower(string(p.Name)), words) || strings.Contains(strings.ToLower(p.Note), words) || strings.Contains(string(p.Kind), words) {
		return true
	}
	return slices.ContainsFunc(p.Addresses, func(a netip.Addr) bool { return strings.HasPrefix(a.String(), words) })
}
