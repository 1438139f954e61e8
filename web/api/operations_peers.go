package api

import (
	"net/http"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/web/api/openapi"
)

// peerOperations are about devices.
func peerOperations() map[string]operation {
	return map[string]operation{
		"GET /api/v1/peers": {ID: "listPeers", Summary: "All devices", Answer: []Peer{},
			More: "By name, or in the order that sort names, and all at once or, with limit or cursor, by number in pages, which take no sort; the header Link leads to the next one.",
			Query: []openapi.Parameter{query("search", "string", "only those that have it, in whatever case, in their name, note or kind, or at the beginning of an address"),
				query("sort", "string", "name where it is missing or empty; seen: the latest first; traffic: the most first; added: the newest first", orders()...),
				query("limit", "integer", "at most as many, from 1 to 1000"), query("cursor", "string", "where this page begins, as Link has it")}},
		"POST /api/v1/peers": {Again: repeatable, ID: "addPeer", Summary: "Add a device, and make its code", Body: NewPeer{}, Status: http.StatusCreated, Answer: Issued{}, Tagged: true, Where: true,
			More: "The code can be fetched in all its forms until config_until."},
		"GET /api/v1/peers/{id}":   {ID: "getPeer", Summary: "One device", Answer: Peer{}, Tagged: true},
		"PATCH /api/v1/peers/{id}": {ID: "changePeer", Summary: "Change a device, all or nothing", Body: PeerChange{}, Answer: Peer{}, Tagged: true},
		"DELETE /api/v1/peers/{id}": {Tagged: true, ID: "removePeer", Summary: "End a device's access and delete it", Later: Peer{},
			More:  "At once or, with undo_seconds, when those are over and nobody kept it.",
			Query: []openapi.Parameter{query("undo_seconds", "integer", "how long it can be undone")}},
		"POST /api/v1/peers/{id}/keep": {ID: "keepPeer", Summary: "Undo a removal that is not over yet", Answer: Peer{}, Tagged: true},
		"GET /api/v1/peers/{id}/test":  {ID: "getPeerTest", Summary: "How far a device has come on its way in", Answer: PeerTest{}},
		"POST /api/v1/peers/{id}/test": {ID: "beginPeerTest", Summary: "Begin to follow a device on its way in", Answer: PeerTest{}},
		"GET /api/v1/peers/{id}/traffic": {ID: "getPeerTraffic", Summary: "What went through a device's tunnel", Answer: Traffic{},
			Query: []openapi.Parameter{query("span", "string", "a day where it is missing or empty", "", string(history.SpanHour), string(history.SpanDay), string(history.SpanMonth))}},
		"GET /api/v1/peers/{id}/sessions": {ID: "listPeerSessions", Summary: "When a device was here, the latest first", Answer: []Session{}},
	}
}

// orders are what a query may ask a list to be sorted by.
func orders() []any {
	all := []any{""}
	for _, o := range peers.Orders() {
		all = append(all, string(o))
	}
	return all
}

// codeOperations are about what a device gets.
func codeOperations() map[string]operation {
	profile := query("profile", "string", "what goes through home, where that shall not be the device's own", "everything", "home")
	form := func(id, what string, as string, more ...openapi.Parameter) operation {
		return operation{ID: id, Summary: what, As: []string{as}, Query: append([]openapi.Parameter{profile}, more...), More: "Only as long as the hand-over lasts: 410 afterwards."}
	}
	return map[string]operation{
		"POST /api/v1/peers/{id}/code":   {Again: repeatable, ID: "renewCode", Summary: "Make a new code of a device", More: "The old one works until the new one is used.", Body: NewCode{}, Partial: true, Status: http.StatusCreated, Answer: Issued{}},
		"POST /api/v1/peers/{id}/invite": {Again: repeatableSecret, ID: "invitePeer", Summary: "Make a link that hands out a new code of a device, once", Body: InviteWanted{}, Partial: true, Status: http.StatusCreated, Answer: Invite{}},
		"GET /api/v1/peers/{id}/config":  form("getConfig", "A device's config as a file for WireGuard", "text/plain"),
		"GET /api/v1/peers/{id}/qr.png":  form("getCodePNG", "A device's code as a picture", "image/png"),
		"GET /api/v1/peers/{id}/qr.svg":  form("getCodeSVG", "A device's code as a drawing", "image/svg+xml"),
		"GET /api/v1/peers/{id}/qr.txt":  form("getCodeText", "A device's code for a terminal", "text/plain"),
		"GET /api/v1/peers/{id}/mobileconfig": form("getAppleProfile", "A device's config as a profile for Apple's systems", "application/x-apple-aspen-config",
			query("platform", "string", "ios where it is missing", "ios", "macos"), query("on_demand", "boolean", "the tunnel goes on by itself"), several("home_wifi", "a network at home, on which it does not")),
	}
}
