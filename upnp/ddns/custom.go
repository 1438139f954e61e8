package ddns

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// custom gets a URL of the owner's. The URL is a secret as a whole, because such
// URLs mostly carry one.
type custom struct {
	config Config
	client *client
}

func newCustom(c Config, client *client) (*custom, error) {
	template := c.Credentials.secret()
	rest, ok := strings.CutPrefix(template, "https://")
	if !ok {
		return nil, wrong("secret", "the update url does not begin with https://: a secret must not go unencrypted")
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	u, err := url.Parse(fill(template, c.Name, Records{}))
	if err != nil || u.Hostname() == "" || u.Fragment != "" || strings.ContainsAny(authority, "{}") {
		return nil, wrong("secret", "the update url makes no sense: enter one like https://host/path?name={name}&ip={ip4}")
	}
	return &custom{config: c, client: client}, nil
}

func (p *custom) publish(ctx context.Context, want, _ Records) error {
	template := p.config.Credentials.secret()
	has4, has6 := strings.Contains(template, "{ip4}"), strings.Contains(template, "{ip6}")
	if has4 || has6 || want.AAAA.IsValid() { // without any, the server looks where we come from
		if want.A.IsValid() && !has4 {
			return missingPlaceholder("{ip4}")
		}
		if want.AAAA.IsValid() && !has6 {
			return missingPlaceholder("{ip6}")
		}
	}
	r, err := p.client.do(ctx, request{url: fill(template, p.config.Name, want)})
	if err != nil {
		return err
	}
	if r.status >= 200 && r.status < 300 && parseReply(r.body).code == codeUnknown {
		return nil
	}
	if r.status == http.StatusNoContent || r.status == http.StatusAccepted || r.status == http.StatusCreated {
		r.status = http.StatusOK
	}
	if f := p.client.dyndnsFault(r, want); f != nil {
		return f
	}
	return nil
}

func missingPlaceholder(name string) *fault {
	return faultf("add "+name+" to the update URL", "the update URL has no place for the address: %s is missing", name).stops()
}
