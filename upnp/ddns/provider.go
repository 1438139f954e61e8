package ddns

import (
	"context"
	"slices"
)

// Provider is who serves the zone, and how it is told.
type Provider string

// The providers, and what their credentials are.
const (
	DuckDNS    Provider = "duckdns"    // secret: the token
	DeSEC      Provider = "desec"      // secret: a token
	Cloudflare Provider = "cloudflare" // secret: an API token with Zone:Read and DNS:Edit
	NoIP       Provider = "noip"       // user and password of a DDNS key
	Dynu       Provider = "dynu"       // user, and the password for IP updates
	Strato     Provider = "strato"     // the domain as user, and the DynDNS password
	INWX       Provider = "inwx"       // user and password of the DynDNS account
	DynDNS2    Provider = "dyndns2"    // user and password; any server that speaks it
	RFC2136    Provider = "rfc2136"    // user: the TSIG key's name; secret: the key in base64
	Custom     Provider = "custom"     // secret: the URL, with {name}, {ip4} and {ip6}
)

// Providers lists all, the simplest to start with first.
func Providers() []Provider {
	return []Provider{DuckDNS, DeSEC, Cloudflare, NoIP, Dynu, Strato, INWX, DynDNS2, RFC2136, Custom}
}

func (p Provider) valid() bool { return slices.Contains(Providers(), p) }

// Label is the name that a person knows the provider by.
func (p Provider) Label() string {
	switch p {
	case DuckDNS:
		return "DuckDNS"
	case DeSEC:
		return "deSEC"
	case Cloudflare:
		return "Cloudflare"
	case NoIP:
		return "No-IP"
	case Dynu:
		return "Dynu"
	case Strato:
		return "Strato"
	case INWX:
		return "INWX"
	case DynDNS2:
		return "the dynamic DNS server"
	case RFC2136:
		return "the name server"
	case Custom:
		return "the custom URL's server"
	}
	return "unknown"
}

// SecretName is what the provider's own pages call the secret.
func (p Provider) SecretName() string {
	switch p {
	case DuckDNS, DeSEC:
		return "token"
	case Cloudflare:
		return "API token with Zone:Read and DNS:Edit"
	case RFC2136:
		return "TSIG key"
	case Custom:
		return "update URL"
	}
	return "password"
}

// NeedsUser reports whether the credentials have a user.
func (p Provider) NeedsUser() bool {
	switch p {
	case NoIP, Dynu, Strato, INWX, DynDNS2, RFC2136:
		return true
	}
	return false
}

// NeedsServer reports whether Config.Server has to be given.
func (p Provider) NeedsServer() bool { return p == DynDNS2 || p == RFC2136 }

// removes reports whether the provider can remove a record.
func (p Provider) removes() bool {
	switch p {
	case DuckDNS, DeSEC, Cloudflare, RFC2136:
		return true
	}
	return false
}

// publisher is what a provider does.
type publisher interface {
	// publish makes the name have the wanted records and, where the provider can
	// remove any, no others. have is what was last seen; it may be wrong. The error
	// is nil, also when nothing had to change, or a *fault.
	publish(ctx context.Context, want, have Records) error
}

// newPublisher checks what is special to the provider.
func newPublisher(c Config, s seams) (publisher, error) {
	client := newClient(c, s)
	switch c.Provider {
	case DuckDNS:
		return newDuckDNS(c, client)
	case DeSEC:
		return &desec{config: c, client: client}, nil
	case Cloudflare:
		return &cloudflare{config: c, client: client}, nil
	case RFC2136:
		return newRFC2136(c, s)
	case Custom:
		return newCustom(c, client)
	}
	return newDynDNS2(c, client)
}
