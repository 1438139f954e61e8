// Package knock recognises a browser that knocks at the UDP port from outside.
//
// A web page can send no UDP packets of its own choice, but it can have the browser
// look for a way to another browser (WebRTC): then the browser sends STUN binding
// requests (RFC 8489) to an address and port that the page names, and tells the page
// whether a valid answer came back (ICE, RFC 8445). Our port answers them, for two
// minutes after somebody at home asked for it and to him alone who knows the secret
// of that time. Otherwise it stays silent, as WireGuard does, so that nobody finds it.
//
// The messages are those of github.com/pion/stun; what they look like on the wire is
// told from WireGuard's by their first byte, which is 0, and by the magic cookie.
package knock
