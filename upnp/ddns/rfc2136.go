package ddns

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// rfc2136 sends DNS updates, signed with a shared key (RFC 2136, RFC 8945). They
// go over TCP, where nobody beside the way can slip an answer in. The server may
// be in the home: the address filter does not apply.
type rfc2136 struct {
	config    Config
	server    string // host and port
	keyName   string
	algorithm string
	guard     guard
	timeout   time.Duration
	scrub     func(string) string
}

// tsigFudge is how far clocks may be apart, as RFC 8945 section 10 recommends.
const tsigFudge = 300

func newRFC2136(c Config, s seams) (*rfc2136, error) {
	server := strings.TrimSpace(c.Server)
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), "53")
	}
	host, port, err := net.SplitHostPort(server)
	if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || portErr != nil || n == 0 {
		return nil, wrong("server", "server %q is none: enter a host, with a port where it isn't 53", clean(c.Server))
	}
	algorithm, err := tsigAlgorithm(c.Algorithm)
	if err != nil {
		return nil, err
	}
	key, ok := dns.IsDomainName(c.Credentials.user())
	if !ok || key == 0 {
		return nil, wrong("user", "the key's name is no domain name: copy it from the server's config")
	}
	if raw, err := base64.StdEncoding.DecodeString(c.Credentials.secret()); err != nil || len(raw) < 8 {
		return nil, wrong("secret", "the key is not base64 of 8 bytes or more: copy the secret from the server's config")
	}
	way := s.guard()
	way.allow = allowAll
	return &rfc2136{
		config: c, server: server, keyName: dns.CanonicalName(c.Credentials.user()), algorithm: algorithm,
		guard: way, timeout: s.timeout, scrub: c.Credentials.scrubber(),
	}, nil
}

// tsigAlgorithm refuses what RFC 8945 section 6 no longer recommends.
func tsigAlgorithm(name string) (string, error) {
	switch strings.TrimSuffix(strings.ToLower(name), ".") {
	case "", "hmac-sha256":
		return dns.HmacSHA256, nil
	case "hmac-sha384":
		return dns.HmacSHA384, nil
	case "hmac-sha512":
		return dns.HmacSHA512, nil
	}
	return "", wrong("algorithm", "algorithm %q is not supported: use hmac-sha256, hmac-sha384 or hmac-sha512", clean(name))
}

func (p *rfc2136) publish(ctx context.Context, want, _ Records) error {
	zone, err := p.zone(ctx)
	if err != nil {
		return err
	}
	resp, err := p.exchange(ctx, p.update(zone, want))
	if f := p.judge(zone, resp, err); f != nil {
		return f
	}
	return nil
}

// update replaces both address records in one message (RFC 2136 section 2.5), so
// that nobody ever sees the name without any.
func (p *rfc2136) update(zone string, want Records) *dns.Msg {
	name, ttl := dns.Fqdn(p.config.Name), uint32(p.config.TTL/time.Second)
	header := func(rrtype uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
	}
	a := &dns.A{Hdr: header(dns.TypeA), A: want.A.AsSlice()}
	aaaa := &dns.AAAA{Hdr: header(dns.TypeAAAA), AAAA: want.AAAA.AsSlice()}
	m := new(dns.Msg).SetUpdate(dns.Fqdn(zone))
	m.RemoveRRset([]dns.RR{a, aaaa})
	if want.A.IsValid() {
		m.Insert([]dns.RR{a})
	}
	if want.AAAA.IsValid() {
		m.Insert([]dns.RR{aaaa})
	}
	return m.SetTsig(p.keyName, p.algorithm, tsigFudge, time.Now().Unix())
}

// zone asks the server which zone the name is in: the SOA record, in whichever
// section (RFC 2308 section 3), has the zone's name.
func (p *rfc2136) zone(ctx context.Context) (string, error) {
	if p.config.Zone != "" {
		return p.config.Zone, nil
	}
	resp, err := p.exchange(ctx, new(dns.Msg).SetQuestion(dns.Fqdn(p.config.Name), dns.TypeSOA))
	if err != nil {
		return "", p.wireFault(err)
	}
	for _, rr := range append(resp.Answer, resp.Ns...) {
		_, ok := rr.(*dns.SOA)
		if zone := strings.TrimSuffix(dns.CanonicalName(rr.Header().Name), "."); ok && isBelow(p.config.Name, zone) {
			return zone, nil
		}
	}
	return "", faultf("enter the zone's name, and check that this server is its primary",
		"the name server %s does not say which zone %s is in (%s)", p.server, p.config.Name, rcode(resp.Rcode)).waits(time.Hour)
}

// exchange sends one message over TCP.
func (p *rfc2136) exchange(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	conn, err := p.guard.dialContext(ctx, "tcp", p.server)
	if err != nil {
		return nil, err
	}
	return exchangeOn(ctx, conn, m, map[string]string{p.keyName: p.config.Credentials.secret()})
}

// judge reads the answer to an update. Only a signed one is good news.
func (p *rfc2136) judge(zone string, resp *dns.Msg, err error) *fault {
	if resp == nil {
		return p.wireFault(err)
	}
	var tsigError uint16
	tsig := resp.IsTsig()
	if tsig != nil {
		tsigError = tsig.Error
	}
	switch {
	case tsigError == dns.RcodeBadTime:
		return faultf("set the clocks of this box and of the name server", "the name server %s says that the clocks differ (BADTIME)", p.server)
	case tsigError != 0: // BADKEY, BADSIG: such answers cannot be signed (RFC 8945 section 5.3.2)
		return badAuth(RFC2136, rcode(int(tsigError)))
	case resp.Rcode == dns.RcodeNotAuth, resp.Rcode == dns.RcodeNotZone:
		return faultf("enter the right zone, and the server that is its primary",
			"the name server %s does not take updates of the zone %s (%s)", p.server, zone, rcode(resp.Rcode)).stops()
	case resp.Rcode == dns.RcodeRefused:
		return faultf(fmt.Sprintf("allow the key %s to change A and AAAA of %s in the server's update policy", p.keyName, p.config.Name),
			"the name server %s refuses the update (REFUSED)", p.server).waits(time.Hour)
	case resp.Rcode != dns.RcodeSuccess:
		return faultf(tryLater, "the name server %s answers with %s", p.server, rcode(resp.Rcode))
	case err != nil:
		return faultf("check the key: the answer's signature is not made with it",
			"the answer of the name server %s is not to be trusted: %s", p.server, clean(p.scrub(err.Error()))).waits(time.Hour)
	case tsig == nil:
		return faultf("check that the server is the right one: it answered without a signature",
			"the answer of the name server %s is not signed", p.server).waits(time.Hour)
	}
	return nil
}

func (p *rfc2136) wireFault(err error) *fault {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return faultf(tryLater, "the name server %s did not answer within %v", p.server, p.timeout)
	}
	return faultf("check the server's name and port, and that it takes TCP", "asking the name server %s: %s", p.server, clean(p.scrub(err.Error())))
}

func rcode(n int) string {
	if s, ok := dns.RcodeToString[n]; ok {
		return s
	}
	return "code " + strconv.Itoa(n)
}
