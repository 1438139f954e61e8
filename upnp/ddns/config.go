package ddns

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// Config is what an Updater needs. Provider, Name and Credentials are required.
type Config struct {
	// Provider is who serves the zone.
	Provider Provider
	// Name is the full name that points home, "home.example.org". It is ours alone.
	Name string
	// Credentials are made with NewCredentials; see Provider for what they are.
	Credentials Credentials
	// Server is for DynDNS2 the host, with a port where it isn't 443; for RFC2136
	// the host, with a port where it isn't 53. Others ignore it.
	Server string
	// Path is for DynDNS2 the path and query, with the placeholders {name}, {ip4},
	// {ip6} and {ips} (both, with a comma between). Empty means
	// "/nic/update?hostname={name}&myip={ips}"; without a query that one is added.
	Path string
	// Zone is the zone that Name is in. Empty means that it is looked for.
	Zone string
	// Algorithm is RFC2136's: hmac-sha256 (which empty means), -sha384 or -sha512.
	Algorithm string
	// TTL is of new records, for Cloudflare and RFC2136. Zero means one minute.
	TTL time.Duration
	// LastTry is Status.LastTry of an Updater before this one, so that a restart
	// doesn't ask a provider too often. Zero means never.
	LastTry time.Time
	// Resolver finds providers and the zone's servers; nil means net.DefaultResolver.
	Resolver Resolver
	// Logger may be nil.
	Logger *slog.Logger
}

// The bounds of TTL; Cloudflare's and most others' least is a minute.
const (
	defaultTTL = time.Minute
	leastTTL   = 30 * time.Second
	mostTTL    = 24 * time.Hour
)

// checked returns the config with defaults in place, or all that is wrong with it.
func (c Config) checked() (Config, error) {
	var problems []error
	complain := func(err error) {
		if err != nil {
			problems = append(problems, err)
		}
	}
	if !c.Provider.valid() {
		complain(wrong("provider", "provider %q is not known: use one of %v", clean(string(c.Provider)), Providers()))
	}
	var err error
	c.Name, err = parseName("name", c.Name)
	complain(err)
	if c.Zone != "" {
		if c.Zone, err = parseName("zone", c.Zone); err == nil && !isBelow(c.Name, c.Zone) {
			err = wrong("zone", "name %q is not in the zone %q: correct one of the two", c.Name, c.Zone)
		}
		complain(err)
	}
	if c.TTL == 0 {
		c.TTL = defaultTTL
	}
	if c.TTL < leastTTL || c.TTL > mostTTL {
		complain(wrong("ttl", "a ttl of %v is not between %v and %v", c.TTL, leastTTL, mostTTL))
	}
	if c.Credentials.secret() == "" && c.Provider.valid() {
		complain(wrong("secret", "the %s is missing: %s has one for you", c.Provider.SecretName(), c.Provider.Label()))
	}
	if c.Credentials.user() == "" && c.Provider.NeedsUser() {
		complain(wrong("user", "the user is missing: enter the one of the provider's account, or the key's name"))
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(problems...)
}

// parseName makes a host name of what a person typed: lower case, in the DNS's
// form (RFC 5891), of two labels at least.
func parseName(what, typed string) (string, error) {
	s := strings.TrimSuffix(strings.TrimSpace(typed), ".")
	name, err := idna.Lookup.ToASCII(s)
	if err != nil || len(name) > 253 || strings.Count(name, ".") < 1 || !hasHostLabels(name) {
		return "", wrong(what, "%s %q is no full domain name: enter one like home.example.org", what, clean(typed))
	}
	return name, nil
}

// hasHostLabels holds a name to letters, digits and hyphens (RFC 1123 section
// 2.1). What passes needs no escaping in a URL or a DNS message.
func hasHostLabels(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return strings.Trim(name[strings.LastIndexByte(name, '.')+1:], "0123456789") != "" // not an address
}

func isBelow(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }
