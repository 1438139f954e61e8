package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"homeward/peers"
)

// An ETag names the state of what can be edited of a thing. What is only observed of
// it, such as a peer's traffic, changes without it: else nobody could edit what is in
// use. Whoever sends If-Match changes a thing only as it was seen; without it, the
// last one wins.

// tagOf is the ETag of what can be edited of a thing.
func tagOf(editable any) string {
	b, err := json.Marshal(editable)
	if err != nil {
		panic(err) // our own types, all of which are JSON
	}
	sum := sha256.Sum256(b)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// etag is the ETag of a peer.
func etag(p peers.Peer) string { return `"` + strconv.FormatInt(p.Version, 10) + `"` }

// conditional says whether a request is only for what has one of some ETags.
func conditional(r *http.Request) bool { return r.Header.Get("If-Match") != "" }

// matches fails with peers.ErrConflict when a request is for another state than the
// one that has the ETag (RFC 9110, section 13.1.1).
func matches(r *http.Request, tag string) error {
	if !conditional(r) {
		return nil
	}
	for _, line := range r.Header.Values("If-Match") {
		for t := range strings.SplitSeq(line, ",") { // none of ours has a comma
			if t = strings.TrimSpace(t); t == tag || t == "*" {
				return nil
			}
		}
	}
	return peers.ErrConflict
}

func (s Settings) etag() string {
	s.Calls, s.File = "", nil
	return tagOf(s)
}

func (n DNSName) etag() string {
	return tagOf(NewDNSName{Provider: n.Provider, Name: n.Name, User: n.User, Server: n.Server, Path: n.Path, Zone: n.Zone, Algorithm: n.Algorithm})
}

func (f Forward) etag() string {
	return tagOf([]any{f.ID, f.Created.Unix(), f.Name, f.Protocol, f.External, f.Last, f.Machine, f.Internal, f.Enabled})
}

func (b BackupState) etag() string {
	if b.Nightly == nil {
		return tagOf(nil)
	}
	return tagOf(NightlyWanted{b.Nightly.Folder, b.Nightly.Keep})
}

func (u User) etag() string { return tagOf(u) }

// tagged answers with a thing and its ETag.
func (h handler) tagged(w http.ResponseWriter, status int, thing interface{ etag() string }) {
	w.Header().Set("ETag", thing.etag())
	h.reply(w, status, thing)
}
