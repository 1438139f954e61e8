package ddns

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// cloudflare speaks the API v4 (developers.cloudflare.com/api, "Zones" and "DNS
// Records for a Zone").
type cloudflare struct {
	config Config
	client *client
}

const (
	cloudflareBase = "https://api.cloudflare.com/client/v4"
	cloudflarePage = 100 // records in a list
)

type cloudflareReply struct {
	Success bool
	Errors  []struct {
		Code    int
		Message string
	}
	Result json.RawMessage
}

type cloudflareRecord struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Content string `json:"content"`
	TTL     int    `json:"ttl"`
	// Proxied sends visitors to Cloudflare, which forwards HTTP and no UDP.
	Proxied bool `json:"proxied"`
}

func (p *cloudflare) publish(ctx context.Context, want, _ Records) error {
	zone, err := p.zone(ctx)
	if err != nil {
		return err
	}
	records := "/zones/" + zone + "/dns_records"
	var have []cloudflareRecord
	query := "?" + url.Values{"name": {p.config.Name}, "per_page": {strconv.Itoa(cloudflarePage)}}.Encode()
	if err := p.call(ctx, http.MethodGet, records+query, nil, &have); err != nil {
		return err
	}
	if len(have) >= cloudflarePage { // not filtered by name: what we must change may be on another page
		return faultf("report this: homeward must change for Cloudflare", "Cloudflare lists %d records for one name", len(have)).waits(time.Hour)
	}
	if err := p.align(ctx, records, "A", want.A, have); err != nil {
		return err
	}
	return p.align(ctx, records, "AAAA", want.AAAA, have)
}

// zone finds the zone's id: of the configured one, or of the longest that the
// token may see.
func (p *cloudflare) zone(ctx context.Context) (string, error) {
	names := parents(p.config.Name)
	if p.config.Zone != "" {
		names = []string{p.config.Zone}
	}
	for _, name := range names {
		var zones []struct{ ID, Name string }
		if err := p.call(ctx, http.MethodGet, "/zones?"+url.Values{"name": {name}}.Encode(), nil, &zones); err != nil {
			return "", err
		}
		for _, z := range zones {
			if z.Name == name && isID(z.ID) {
				return z.ID, nil
			}
		}
	}
	return "", faultf("add the domain at Cloudflare, and give the token Zone:Read for it",
		"Cloudflare has no zone for %s that this token may see", p.config.Name).stops()
}

// parents are a name and the names above it, without the top-level domain.
func parents(name string) []string {
	var all []string
	for strings.Contains(name, ".") {
		all = append(all, name)
		_, name, _ = strings.Cut(name, ".")
	}
	return all
}

// isID keeps foreign text out of the paths that we ask for.
func isID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// align makes the name's records of one type be the wanted one: the first is
// changed, others are removed.
func (p *cloudflare) align(ctx context.Context, records, typ string, want netip.Addr, have []cloudflareRecord) error {
	kept := !want.IsValid()
	for _, r := range have {
		if r.Type != typ || !strings.EqualFold(r.Name, p.config.Name) || !isID(r.ID) {
			continue
		}
		switch {
		case kept:
			if err := p.call(ctx, http.MethodDelete, records+"/"+r.ID, nil, nil); err != nil {
				return err
			}
		case r.Content == want.String() && !r.Proxied:
			kept = true
		default:
			if err := p.call(ctx, http.MethodPatch, records+"/"+r.ID, p.record(typ, want), nil); err != nil {
				return err
			}
			kept = true
		}
	}
	if kept {
		return nil
	}
	return p.call(ctx, http.MethodPost, records, p.record(typ, want), nil)
}

func (p *cloudflare) record(typ string, a netip.Addr) *cloudflareRecord {
	ttl := max(p.config.TTL, time.Minute) // the least that it takes
	return &cloudflareRecord{Type: typ, Name: p.config.Name, Content: a.String(), TTL: int(ttl / time.Second)}
}

func (p *cloudflare) call(ctx context.Context, method, path string, body *cloudflareRecord, into any) error {
	r := request{method: method, url: cloudflareBase + path, header: map[string]string{
		"Authorization": "Bearer " + p.config.Credentials.secret(),
	}}
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encoding a record for Cloudflare: %w", err)
		}
		r.body = encoded
		r.header["Content-Type"] = "application/json"
	}
	answer, err := p.client.do(ctx, r)
	if err != nil {
		return err
	}
	return p.judge(answer, into)
}

func (p *cloudflare) judge(r reply, into any) error {
	var parsed cloudflareReply
	err := json.Unmarshal(r.body, &parsed)
	if r.status == http.StatusTooManyRequests || r.status >= 500 {
		return p.client.statusFault(r)
	}
	if err != nil {
		if f := p.client.statusFault(r); f != nil {
			return f
		}
		return p.client.garbage(r.body)
	}
	if !parsed.Success {
		return p.errorFault(r, parsed)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(parsed.Result, into); err != nil {
		return p.client.garbage(r.body)
	}
	return nil
}

// errorFault reads the error codes of the API.
func (p *cloudflare) errorFault(r reply, parsed cloudflareReply) *fault {
	if len(parsed.Errors) == 0 {
		if f := p.client.statusFault(r); f != nil {
			return f
		}
		return p.client.garbage(r.body)
	}
	e := parsed.Errors[0]
	detail := fmt.Sprintf("error %d: %s", e.Code, p.client.words(e.Message))
	switch e.Code {
	case 6003, 6111, // the header with the token has the wrong form
		9106, 9109, 10000, 10001: // no token, an invalid one, one that may not
		return badAuth(Cloudflare, detail)
	case 81053, 81054: // there is a CNAME
		return faultf("delete the CNAME record of the name at Cloudflare, or choose another name",
			"the name is an alias at Cloudflare (%s)", detail).stops()
	}
	if r.status == http.StatusUnauthorized || r.status == http.StatusForbidden {
		return badAuth(Cloudflare, detail)
	}
	return faultf("look at the name's records at Cloudflare", "Cloudflare refuses the update (%s)", detail).waits(time.Hour)
}
