package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"homeward/peers"
)

// perPage is how many devices a page lists. A household never sees a second one.
const perPage = 50

// searchFrom is how many devices there are before the page offers to search them.
const searchFrom = 12

// sortFrom is how many there are before it offers them in another order.
const sortFrom = 4

// listed says which devices a page lists, and how to get to the others.
type listed struct {
	Query string
	Sort  string // one of Sorts
	Found int    // devices that match
	All   int
	Page  int // from 1
	Pages int
}

// Search reports whether the page offers to search.
func (l listed) Search() bool { return l.All >= searchFrom }

// Sortable reports whether the page offers other orders.
func (l listed) Sortable() bool { return l.All >= sortFrom }

// Sorts are the orders that there are.
func (l listed) Sorts() (all []string) {
	for _, o := range peers.Orders() {
		all = append(all, string(o))
	}
	return all
}

// Sorted is where the list is in another order, from its beginning.
func (l listed) Sorted(by string) string {
	l.Sort = by
	return "/?" + l.query(1) + "#devices"
}

// Previous is the page before this one, or empty.
func (l listed) Previous() string { return l.to(l.Page - 1) }

// Next is the page after this one, or empty.
func (l listed) Next() string { return l.to(l.Page + 1) }

func (l listed) to(page int) string {
	if page < 1 || page > l.Pages {
		return ""
	}
	return "/?" + l.query(page)
}

func (l listed) query(page int) string {
	q := url.Values{"q": {l.Query}, "page": {strconv.Itoa(page)}}
	if l.Sort != string(peers.OrderName) {
		q.Set("sort", l.Sort)
	}
	return q.Encode()
}

// choose picks the devices that a query of a page asks for: q is searched, sort is one
// of the orders, page counts from 1, and peer is one device alone, by its number.
func choose(all []peers.Peer, query url.Values) ([]peers.Peer, listed) {
	if id, err := strconv.ParseInt(query.Get("peer"), 10, 64); err == nil {
		one := slices.DeleteFunc(slices.Clone(all), func(p peers.Peer) bool { return p.ID != peers.ID(id) })
		return one, listed{Found: len(one), All: len(all), Page: 1, Pages: 1}
	}
	order, err := peers.ParseOrder(query.Get("sort"))
	if err != nil { // an address that somebody typed
		order = peers.OrderName
	}
	l := listed{Query: strings.TrimSpace(query.Get("q")), All: len(all), Sort: string(order)}
	found := peers.Sorted(peers.Find(all, l.Query), order)
	l.Found = len(found)
	l.Pages = max(1, (len(found)+perPage-1)/perPage)
	page, _ := strconv.Atoi(query.Get("page")) // what is no number is the first page
	l.Page = min(max(page, 1), l.Pages)
	return found[(l.Page-1)*perPage : min(l.Page*perPage, len(found))], l
}
