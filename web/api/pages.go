package api

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strconv"

	"homeward/peers"
)

// maxPage is the most that one page of a list has, and what it has when a request
// does not say.
const maxPage = 1000

// listOf returns those of all peers that a query asks for, and the query of the page
// that follows, empty where there is none. Pages have one order, their own: the others
// change while somebody turns them.
func listOf(all []peers.Peer, q url.Values) (found []peers.Peer, next string, err error) {
	order, err := peers.ParseOrder(q.Get("sort"))
	if err != nil {
		return nil, "", err
	}
	found = peers.Find(all, q.Get("search"))
	if !q.Has("limit") && !q.Has("cursor") {
		return peers.Sorted(found, order), "", nil
	}
	if q.Get("sort") != "" {
		return nil, "", &peers.FieldError{Field: "sort", Problem: "pages go by number: leave out either this, or limit and cursor"}
	}
	found, following, err := pageOf(found, q.Get("limit"), q.Get("cursor"))
	if search := q.Get("search"); search != "" && following != nil {
		following.Set("search", search)
	}
	return found, following.Encode(), err
}

// pageOf returns at most limit of all peers, those after the cursor, and the query
// of the page that follows (RFC 8288's next), nil on the last one. Pages go by a
// peer's number, not by its name: whoever is renamed or added between two pages is
// neither left out nor told twice. It changes all.
func pageOf(all []peers.Peer, limit, cursor string) (page []peers.Peer, next url.Values, err error) {
	n := maxPage
	if limit != "" {
		if n, err = strconv.Atoi(limit); err != nil || n < 1 || n > maxPage {
			return nil, nil, &peers.FieldError{Field: "limit", Problem: "this is not a whole number from 1 to " + strconv.Itoa(maxPage)}
		}
	}
	var after int64
	if cursor != "" {
		b, _ := base64.RawURLEncoding.DecodeString(cursor) // what is cut off is no number
		if after, err = strconv.ParseInt(string(b), 10, 64); err != nil || after < 1 {
			return nil, nil, &peers.FieldError{Field: "cursor", Problem: "this is not one that a page before gave"}
		}
	}
	slices.SortFunc(all, func(a, b peers.Peer) int { return cmp.Compare(a.ID, b.ID) })
	page = slices.DeleteFunc(all, func(p peers.Peer) bool { return int64(p.ID) <= after })
	if len(page) > n {
		page = page[:n]
		last := strconv.FormatInt(int64(page[n-1].ID), 10)
		next = url.Values{"limit": {strconv.Itoa(n)}, "cursor": {base64.RawURLEncoding.EncodeToString([]byte(last))}}
	}
	return page, next, nil
}
