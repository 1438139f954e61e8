package ddns

import (
	"context"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// dyndns2 speaks what Dyn once published as the Remote Access API and everybody
// took over: GET /nic/update with basic authentication, and a word for an answer.
type dyndns2 struct {
	config Config
	client *client
	base   string // https://host
	path   string // with placeholders
}

const (
	defaultPath  = "/nic/update"
	defaultQuery = "?hostname={name}&myip={ips}"
	// bothQuery is for services with a parameter for each family.
	bothQuery = "?hostname={name}&myip={ip4}&myipv6={ip6}"
)

// service is where a known dyndns2 service listens, after its own pages.
func service(p Provider) (server, path string) {
	switch p {
	case NoIP: // noip.com/integrate/request
		return "dynupdate.no-ip.com", defaultPath + defaultQuery
	case Dynu: // dynu.com/DynamicDNS/IP-Update-Protocol
		return "api.dynu.com", defaultPath + bothQuery
	case Strato: // strato.de, DynDNS for routers
		return "dyndns.strato.com", defaultPath + defaultQuery
	case INWX: // inwx.com, DynDNS
		return "dyndns.inwx.com", defaultPath + bothQuery
	}
	return "", ""
}

func newDynDNS2(c Config, client *client) (*dyndns2, error) {
	server, path := service(c.Provider)
	if server == "" {
		server, path = c.Server, c.Path
	}
	d := &dyndns2{config: c, client: client, path: path}
	if path == "" {
		d.path = defaultPath
	}
	if !strings.Contains(d.path, "?") {
		d.path += defaultQuery
	}
	base := "https://" + strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(server), "https://"), "/")
	u, err := url.Parse(base)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.Contains(base, "{") {
		return nil, wrong("server", "server %q is no host name: enter one like dyndns.example.org", clean(server))
	}
	d.base = base
	if _, err := url.Parse(base + d.fill(Records{})); err != nil || !strings.HasPrefix(d.path, "/") || strings.ContainsAny(d.path, "#\r\n") {
		return nil, wrong("path", "path %q is none: enter one like %s%s", clean(d.path), defaultPath, defaultQuery)
	}
	return d, nil
}

func (d *dyndns2) fill(r Records) string { return fill(d.path, d.config.Name, r) }

// fill puts values into the placeholders. They are letters, digits, dots, colons
// and commas, all of which a path and a query may hold as they are (RFC 3986
// section 3.4), and some servers don't decode. A parameter without a value is left
// out, since servers differ in what an empty one means.
func fill(template, name string, r Records) string {
	path, query, found := strings.Cut(template, "?")
	values := strings.NewReplacer("{name}", name, "{ip4}", text(r.A), "{ip6}", text(r.AAAA), "{ips}", r.list())
	path = values.Replace(path)
	if !found {
		return path
	}
	var params []string
	for param := range strings.SplitSeq(query, "&") {
		filled := values.Replace(param)
		if filled != param && strings.HasSuffix(filled, "=") {
			continue
		}
		params = append(params, filled)
	}
	return path + "?" + strings.Join(params, "&")
}

func (d *dyndns2) publish(ctx context.Context, want, _ Records) error {
	r, err := d.client.do(ctx, request{url: d.base + d.fill(want), basic: &d.config.Credentials})
	if err != nil {
		return err
	}
	if f := d.client.dyndnsFault(r, want); f != nil {
		return f
	}
	return nil
}

// abuseHold is how long an angry provider is left alone, maintenanceHold how long
// one that is out of order: half an hour is what the protocol asks for.
const (
	abuseHold       = 6 * time.Hour
	maintenanceHold = 30 * time.Minute
)

// dyndnsFault judges a reply: by its code, and by its HTTP status where there is
// no code, because servers disagree about which one to use.
func (c *client) dyndnsFault(r reply, want Records) *fault {
	who, parsed := c.provider.Label(), parseReply(r.body)
	switch parsed.code {
	case codeGood, codeNoChange:
		if f := c.statusFault(r); f != nil {
			return f
		}
		return c.storedFault(parsed, want)
	case codeBadAuth:
		return badAuth(c.provider, "badauth")
	case codeNotPaid:
		return faultf("check at "+who+" what the account may do", "%s refuses: the account has not paid for this (!donator)", who).stops()
	case codeNotFQDN, codeNoHost, codeNotYours, codeNumHost:
		return faultf("check that the name is spelled as at "+who+" and belongs to the account",
			"%s does not know the name in this account (%s)", who, parsed.code).stops()
	case codeBadAgent:
		return faultf("report this: homeward must change for this provider", "%s refuses this program (badagent)", who).stops()
	case codeAbuse:
		return &fault{kind: abuse, after: abuseHold, problem: who + " has blocked the name for too many updates (abuse)",
			advice: "unblock the name at " + who + ", and look for another device that updates it"}
	case codeDNSErr, code911:
		return faultf(tryLater, "%s is out of order (%s)", who, parsed.code).waits(maintenanceHold)
	}
	if f := c.statusFault(r); f != nil {
		return f
	}
	return c.garbage(r.body)
}

// storedFault compares what the server says it stored with what it was told.
func (c *client) storedFault(r dyndnsReply, want Records) *fault {
	if len(r.addrs) == 0 || slices.ContainsFunc(r.addrs, func(a netip.Addr) bool { return a == want.A || a == want.AAAA }) {
		return nil
	}
	if r.addrs[0] == netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		// Dyn's way to say that a program breaks its rules.
		return &fault{kind: abuse, after: abuseHold, problem: c.provider.Label() + " ignores our updates (good 127.0.0.1)",
			advice: "look at the name's page at " + c.provider.Label() + " for a block"}
	}
	return faultf("check the name's page at "+c.provider.Label()+" for a setting that fixes its address",
		"%s stored %v instead of %s", c.provider.Label(), r.addrs[0], want.list())
}
