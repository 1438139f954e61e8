package web

import (
	"net/netip"
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

// listed says which devices a page lists, and how to get to the others.
type listed struct {
	Query string
	Found int // devices that match
	All   int
	Page  int // from 1
	Pages int
}

// Search reports whether the page offers to search.
func (l listed) Search() bool { return l.All >= searchFrom }

// Previous is the page before this one, or empty.
func (l listed) Previous() string { return l.to(l.Page - 1) }

// Next is the page after this one, or empty.
func (l listed) Next() string { return l.to(l.Page + 1) }

func (l listed) to(page int) string {
	if page < 1 || page > l.Pages {
		return ""
	}
	return "/?" + url.Values{"q": {l.Query}, "page": {strconv.Itoa(page)}}.Encode()
}

// choose picks the devices that a query of a page asks for: q is searched, page
// counts from 1, and peer is one device alone, by its number.
func choose(all []peers.Peer, query url.Values) ([]peers.Peer, listed) {
	if id, err := strconv.ParseInt(query.Get("peer"), 10, 64); err == nil {
		one := slices.DeleteFunc(slices.Clone(all), func(p peers.Peer) bool { return p.ID != peers.ID(id) })
		return one, listed{Found: len(one), All: len(all), Page: 1, Pages: 1}
	}
	l := listed{Query: strings.TrimSpace(query.Get("q")), All: len(all)}
	found := all
	if l.Query != "" {
		found = nil
		for _, p := range all {
			if matches(p, strings.ToLower(l.Query)) {
				found = append(found, p)
			}
		}
	}
	l.Found = len(found)
	l.Pages = max(1, (len(found)+perPage-1)/perPage)
	page, _ := strconv.Atoi(query.Get("page")) // what is no number is the first page
	l.Page = min(max(page, 1), l.Pages)
	return found[(l.Page-1)*perPage : min(l.Page*perPage, len(found))], l
}

// matches reports whether a device has the words, which are in lower case, in what
// people know of it.
func matches(p peers.Peer, words string) bool {
	if strings.Contains(strings.ToLower(string(p.Name)), words) || strings.Contains(strings.ToLower(p.Note), words) || strings.Contains(string(p.Kind), words) {
		return true
	}
	return slices.ContainsFunc(p.Addresses, func(a netip.Addr) bool { return strings.HasPrefix(a.String(), words) })
}
