package ddns

import (
	"context"
	"net/url"
	"strings"
)

// duckdns speaks DuckDNS's HTTP API (duckdns.org/spec.jsp).
type duckdns struct {
	client *client
	domain string // the label before duckdns.org
	token  Credentials
}

func newDuckDNS(c Config, client *client) (*duckdns, error) {
	domain, ok := strings.CutSuffix(c.Name, ".duckdns.org")
	if !ok {
		return nil, wrong("name", "name %q is not at DuckDNS: it must end in .duckdns.org", c.Name)
	}
	// Everything below a DuckDNS name has its addresses.
	return &duckdns{client: client, domain: domain[strings.LastIndexByte(domain, '.')+1:], token: c.Credentials}, nil
}

func (d *duckdns) publish(ctx context.Context, want, have Records) error {
	if have.A.IsValid() && !want.A.IsValid() || have.AAAA.IsValid() && !want.AAAA.IsValid() {
		// There is no way to remove one record alone.
		if err := d.ask(ctx, url.Values{"clear": {"true"}}); err != nil {
			return err
		}
	}
	values := url.Values{}
	if want.A.IsValid() {
		values.Set("ip", want.A.String())
	}
	if want.AAAA.IsValid() {
		values.Set("ipv6", want.AAAA.String())
	}
	return d.ask(ctx, values)
}

func (d *duckdns) ask(ctx context.Context, values url.Values) error {
	values.Set("domains", d.domain)
	values.Set("token", d.token.secret())
	values.Set("verbose", "true")
	r, err := d.client.do(ctx, request{url: "https://www.duckdns.org/update?" + values.Encode()})
	if err != nil {
		return err
	}
	if f := d.client.statusFault(r); f != nil {
		return f
	}
	switch word, _, _ := strings.Cut(strings.TrimSpace(string(r.body)), "\n"); strings.TrimSpace(word) {
	case "OK":
		return nil
	case "KO":
		return badAuth(d.client.provider, "KO: the token is wrong, or the name is not in its account")
	}
	return d.client.garbage(r.body)
}
