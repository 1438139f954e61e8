package ddns

import (
	"net/netip"
	"strings"
)

// code is the first word of a dyndns2 reply.
type code string

// The codes of the protocol as Dyn documented it ("Return Codes" of the Remote
// Access API), and those that other services added.
const (
	codeGood     code = "good"
	codeNoChange code = "nochg"
	codeBadAuth  code = "badauth"
	codeBadAgent code = "badagent"
	codeNotPaid  code = "!donator"
	codeNotFQDN  code = "notfqdn"
	codeNoHost   code = "nohost"
	codeNotYours code = "!yours"
	codeNumHost  code = "numhost"
	codeAbuse    code = "abuse"
	codeDNSErr   code = "dnserr"
	code911      code = "911"
	codeUnknown  code = ""
)

// dyndnsReply is one, read.
type dyndnsReply struct {
	code code
	// addrs are those that the server says it has stored; often there are none.
	addrs []netip.Addr
}

// parseReply reads the first line of a dyndns2 reply: a code, and for good and
// nochg what is stored. We ask for one name, so other lines don't count.
func parseReply(body []byte) dyndnsReply {
	line, _, _ := strings.Cut(strings.TrimLeft(string(body), " \t\r\n"), "\n")
	fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == '\r' })
	if len(fields) == 0 {
		return dyndnsReply{}
	}
	r := dyndnsReply{code: parseCode(fields[0])}
	if r.code != codeGood && r.code != codeNoChange {
		return r
	}
	for _, f := range fields[1:] {
		if a, err := netip.ParseAddr(f); err == nil && a.Zone() == "" && len(r.addrs) < 4 {
			r.addrs = append(r.addrs, a.Unmap())
		}
	}
	return r
}

func parseCode(word string) code {
	switch c := code(strings.ToLower(word)); c {
	case codeGood, codeNoChange, codeBadAuth, codeBadAgent, codeNotPaid, codeNotFQDN, codeNoHost,
		codeNotYours, codeNumHost, codeAbuse, codeDNSErr, code911:
		return c
	}
	return codeUnknown
}
