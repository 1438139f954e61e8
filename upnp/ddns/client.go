package ddns

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	maxReply     = 64 << 10
	maxRedirects = 3
	// userAgent is company, device and version, as dyndns2 servers insist on.
	userAgent = "homeward - wireguard appliance - 1"
)

// client is the HTTP of all providers: bounded, without proxies, cookies or kept
// connections, only over TLS and only to public addresses.
type client struct {
	provider Provider
	http     *http.Client
	timeout  time.Duration
	scrub    func(string) string
}

func newClient(c Config, s seams) *client {
	return &client{
		provider: c.Provider,
		timeout:  s.timeout,
		scrub:    c.Credentials.scrubber(),
		http: &http.Client{
			CheckRedirect: sameHostOnly,
			Transport: &http.Transport{
				Proxy:                  nil, // said aloud: the environment's proxy would see the secret
				DialContext:            s.guard().dialContext,
				TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.roots},
				DisableKeepAlives:      true, // nothing is left running between two updates
				DisableCompression:     true, // the bound of a reply is that of the wire
				MaxResponseHeaderBytes: maxReply,
			},
		},
	}
}

var errForeignRedirect = errors.New("the server sends us to another host")

// sameHostOnly follows a redirect only to where the credentials were meant to go.
func sameHostOnly(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects || next.URL.Scheme != "https" || next.URL.Host != via[0].URL.Host {
		return errForeignRedirect
	}
	return nil
}

// reply is a whole answer.
type reply struct {
	status     int
	body       []byte
	retryAfter time.Duration
}

// request is one exchange to be.
type request struct {
	method string // empty means GET
	url    string
	header map[string]string
	body   []byte
	basic  *Credentials
}

// do asks. The error is nil or a *fault without the URL, which may hold a secret.
func (c *client) do(ctx context.Context, r request) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bodyOf(r.body))
	if err != nil {
		return reply{}, faultf("correct the server and the path", "making the request to %s: the address makes no sense", c.provider.Label()).stops()
	}
	if req.URL.Scheme != "https" {
		return reply{}, faultf("use an address that begins with https://", "the address of %s is not https", c.provider.Label()).stops()
	}
	req.Header.Set("User-Agent", userAgent)
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	if r.basic != nil {
		req.SetBasicAuth(r.basic.user(), r.basic.secret())
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, c.wireFault(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return reply{}, c.wireFault(err)
	}
	if len(body) > maxReply {
		return reply{}, faultf(tryLater, "reading the reply of %s: it is longer than %d KiB", c.provider.Label(), maxReply>>10)
	}
	return reply{resp.StatusCode, body, retryAfter(resp.Header.Get("Retry-After"))}, nil
}

// words are a provider's words, fit to repeat. The secret is cut out before and
// after: taking out what can't be printed may put its halves together.
func (c *client) words(s string) string { return cut(c.scrub(printable(c.scrub(s)))) }

// wireFault says in plain words why there was no answer.
func (c *client) wireFault(err error) *fault {
	var (
		refused *errRefusedAddress
		missing *errNoSuchHost
		dns     *net.DNSError
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		outer   *url.Error
		timeout net.Error
	)
	who := c.provider.Label()
	switch {
	case errors.As(err, &refused):
		return faultf("use a server on the internet; if this name is one, the DNS of this network answers wrongly",
			"refusing to ask %s: %v", who, refused).waits(time.Hour)
	case errors.Is(err, errForeignRedirect):
		return faultf("enter the address that the provider documents today", "refusing to follow %s: %v", who, errForeignRedirect).waits(time.Hour)
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return faultf("check the server's name and this box's clock; the secret was not sent",
			"the certificate of %s is not good: %s", who, c.words(innermost(err)))
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return faultf(tryLater, "%s did not answer within %v", who, c.timeout)
	case errors.As(err, &missing) && errors.As(err, &dns) && dns.IsNotFound:
		return faultf("check the server's name, and that this box can look up names", "%s was not found: %s", who, c.words(missing.Error()))
	case errors.As(err, &missing):
		return faultf("check that this box has a way to the internet", "%s could not be looked up: %s", who, c.words(missing.Error()))
	case errors.As(err, &outer):
		err = outer.Err
	}
	return faultf(tryLater, "asking %s: %s", who, c.words(err.Error()))
}

func innermost(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// statusFault judges a reply by its HTTP status alone. Only 401 ends the trying:
// every other status may be a bad day of the provider.
func (c *client) statusFault(r reply) *fault {
	who := c.provider.Label()
	switch {
	case r.status == http.StatusOK:
		return nil
	case r.status == http.StatusUnauthorized:
		return badAuth(c.provider, "HTTP status 401")
	case r.status == http.StatusTooManyRequests:
		return faultf(tryLater, "%s wants fewer updates (HTTP status 429)", who).waits(max(r.retryAfter, minEvery))
	case r.status == http.StatusForbidden, r.status == http.StatusNotFound:
		return faultf("check the name, the path and what the "+c.provider.SecretName()+" may do",
			"%s does not accept the update (HTTP status %d)", who, r.status).waits(time.Hour)
	case r.status >= 500:
		return faultf(tryLater, "%s is out of order (HTTP status %d)", who, r.status).waits(r.retryAfter)
	}
	return faultf("check that the server is the right one", "%s answers with HTTP status %d", who, r.status)
}

func (c *client) garbage(body []byte) *fault {
	return faultf("check that the server is the right one; homeward tries again by itself",
		"%s answers with something else than expected: %q", c.provider.Label(), c.words(string(body)))
}

const mostRetryAfter = 24 * time.Hour

// retryAfter reads the header (RFC 9110 section 10.2.3), within reason.
func retryAfter(header string) time.Duration {
	var d time.Duration
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		d = time.Until(at)
	}
	return min(max(d, 0), mostRetryAfter)
}

func bodyOf(b []byte) io.Reader {
	if b == nil {
		return nil
	}
	return bytes.NewReader(b)
}
