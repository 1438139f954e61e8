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

// pageOf returns at most limit of all peers, those after the cursor, and the query
// of the page that follows (RFC 8288's next), empty on the last one. Pages go by a
// peer's number, not by its name: whoever is renamed or added between two pages is
// neither left out nor told twice. It changes all.
func pageOf(all []peers.Peer, limit, cursor string) (page []peers.Peer, next string, err error) {
	n := maxPage
	if limit != "" {
		if n, err = strconv.Atoi(limit); err != nil || n < 1 || n > maxPage {
			return nil, "", &peers.FieldError{Field: "limit", Problem: "this is not a whole number from 1 to " + strconv.Itoa(maxPage)}
		}
	}
	var after int64
	if cursor != "" {
		b, _ := base64.RawURLEncoding.DecodeString(cursor) // what is cut off is no number
		if after, err = strconv.ParseInt(string(b), 10, 64); err != nil || after < 1 {
			return nil, "", &peers.FieldError{Field: "cursor", Problem: "this is not one that a page before gave"}
		}
	}
	slices.SortFunc(all, func(a, b peers.Peer) int { return cmp.Compare(a.ID, b.ID) })
	page = slices.DeleteFunc(all, func(p peers.Peer) bool { return int64(p.ID) <= after })
	if len(page) > n {
		page = page[:n]
		last := strconv.FormatInt(int64(page[n-1].ID), 10)
		next = url.Values{"limit": {strconv.Itoa(n)}, "cursor": {base64.RawURLEncoding.EncodeToString([]byte(last))}}.Encode()
	}
	return page, next, nil
}
