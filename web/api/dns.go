package api

import (
	"context"
	"net/http"
	"time"
)

// DNS keeps a DNS name pointing at the house.
type DNS interface {
	// DNSName is what is known of the name.
	DNSName() DNSName
	// SetDNSName takes other settings into use. A *Failure names the wrong field.
	SetDNSName(context.Context, NewDNSName) error
	// RemoveDNSName ends the keeping; the name stays where it points.
	RemoveDNSName(context.Context) error
}

// DNSName is the house's DNS name. The secret is never told.
type DNSName struct {
	Chosen    bool   `json:"chosen"` // false: only providers and problem have a meaning
	Provider  string `json:"provider,omitempty"`
	Name      string `json:"name,omitempty"`
	User      string `json:"user,omitempty"`
	Server    string `json:"server,omitempty"`
	Path      string `json:"path,omitempty"`
	Zone      string `json:"zone,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
	// State is no-address, pending, published, verified or stopped; only verified
	// was seen at the zone's own servers.
	State string `json:"state,omitempty"`
	// Ready says whether new codes have the name.
	Ready     bool      `json:"ready"`
	Published []string  `json:"published,omitempty"`
	Verified  time.Time `json:"verified,omitzero"`
	LastTry   time.Time `json:"last_try,omitzero"`
	NextTry   time.Time `json:"next_try,omitzero"`
	Problem   string    `json:"problem,omitempty"`
	Advice    string    `json:"advice,omitempty"`

	Providers []DNSProvider `json:"providers"`
}

// DNSProvider is one that may be chosen.
type DNSProvider struct {
	Key       string `json:"key"`
	Label     string `json:"label"`
	Secret    string `json:"secret"` // what the provider calls it
	NeedsUser bool   `json:"needs_user"`
	// NeedsServer says that a server is asked for too.
	NeedsServer bool `json:"needs_server"`
}

// NewDNSName asks for a name. An empty secret means the one of before.
type NewDNSName struct {
	Provider  string `json:"provider"`
	Name      string `json:"name"`
	User      string `json:"user,omitempty"`
	Secret    string `json:"secret,omitempty"`
	Server    string `json:"server,omitempty"`
	Path      string `json:"path,omitempty"`
	Zone      string `json:"zone,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
}

func (h handler) dnsName(w http.ResponseWriter, r *http.Request) {
	h.tagged(w, http.StatusOK, h.DNS.DNSName().full())
}

func (h handler) setDNSName(w http.ResponseWriter, r *http.Request) {
	var in NewDNSName
	err := read(w, r, &in)
	h.Turns.DNS.Lock()
	defer h.Turns.DNS.Unlock()
	if err == nil {
		err = matches(r, h.DNS.DNSName().etag())
	}
	if err == nil {
		err = h.DNS.SetDNSName(r.Context(), in)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.tagged(w, http.StatusOK, h.DNS.DNSName().full())
}

func (h handler) removeDNSName(w http.ResponseWriter, r *http.Request) {
	h.Turns.DNS.Lock()
	defer h.Turns.DNS.Unlock()
	err := matches(r, h.DNS.DNSName().etag())
	if err == nil {
		err = h.DNS.RemoveDNSName(r.Context())
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// DNSName asks what is known of the house's DNS name.
func (c *Client) DNSName(ctx context.Context) (DNSName, error) {
	var n DNSName
	err := c.call(ctx, "GET", "/api/v1/dns", nil, &n)
	return n, err
}

// SetDNSName chooses the house's DNS name.
func (c *Client) SetDNSName(ctx context.Context, in NewDNSName) (DNSName, error) {
	var n DNSName
	err := c.call(ctx, "PUT", "/api/v1/dns", in, &n)
	return n, err
}

// RemoveDNSName ends the keeping of the house's DNS name.
func (c *Client) RemoveDNSName(ctx context.Context) error {
	return c.call(ctx, "DELETE", "/api/v1/dns", nil, nil)
}
