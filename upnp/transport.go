package upnp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

const (
	maxBody     = 256 << 10
	maxHeader   = 16 << 10
	connectTime = time.Second
	callTime    = 3 * time.Second
)

var (
	errForeignHost = errors.New("not the gateway")
	errTooLarge    = fmt.Errorf("reply of more than %d bytes", maxBody)
)

// pinnedTransport connects from our address to the gateway's and to nothing else,
// whatever host a URL, a redirect or a name server says. It uses no proxy and
// keeps no connection: a router may restart between two calls. The description
// and every SOAP client go through it, because goupnp gives each SOAP client an
// http.Client of its own, without time limit and with the proxy of the environment.
func pinnedTransport(gw Gateway) *http.Transport {
	dialer := &net.Dialer{
		Timeout:   connectTime,
		KeepAlive: -1,
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(gw.Self, 0)),
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			to, err := netip.ParseAddrPort(address)
			if err != nil || to.Addr() != gw.Addr {
				return nil, fmt.Errorf("connecting to %s: %w %v", address, errForeignHost, gw.Addr)
			}
			return dialer.DialContext(ctx, "tcp", to.String())
		},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// client makes the http.Client for a round tripper. A redirect is not followed but
// handed out as the answer that it is. The time limit is the request's context.
func client(rt http.RoundTripper) http.Client {
	return http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// readBody reads a whole reply, or fails when it is larger than any router's.
func readBody(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	return body, nil
}

// trace is what the transport saw of one SOAP call. goupnp turns causes into
// text; this keeps them.
type trace struct {
	err    error // connecting or reading failed, or the reply made no sense
	status int   // HTTP status; zero when there was no answer
	fault  *fault
}

type traceKey struct{}

// traced returns a context whose SOAP call is noted in the trace.
func traced(ctx context.Context) (context.Context, *trace) {
	t := new(trace)
	return context.WithValue(ctx, traceKey{}, t), t
}

// soapTransport puts routers' replies in order before goupnp's decoder, which is
// strict, sees them: see parseReply.
type soapTransport struct {
	base http.RoundTripper
}

func (t soapTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	tr, _ := req.Context().Value(traceKey{}).(*trace)
	if tr == nil {
		tr = new(trace)
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		tr.err = err
		return nil, err
	}
	defer resp.Body.Close()
	tr.status = resp.StatusCode
	body, err := readBody(resp.Body)
	if err != nil {
		tr.err = err
		return nil, err
	}
	rep, err := parseReply(body, actionOf(req))
	if err != nil {
		tr.err = err
		return nil, err
	}
	tr.fault = rep.fault
	canonical := rep.encode()
	out := *resp
	out.Body = io.NopCloser(bytes.NewReader(canonical))
	out.ContentLength = int64(len(canonical))
	out.TransferEncoding, out.Uncompressed = nil, false
	return &out, nil
}

// renamed sends requests that goupnp made for one type of service to another one that
// differs in its name only: in the header and in the body.
type renamed struct {
	base     http.RoundTripper
	from, to string
}

func (t renamed) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req.Body)
	if err = errors.Join(err, req.Body.Close()); err != nil {
		return nil, err
	}
	body = bytes.ReplaceAll(body, []byte(t.from), []byte(t.to))
	out := req.Clone(req.Context())
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	for key, values := range out.Header {
		for i, v := range values {
			out.Header[key][i] = strings.ReplaceAll(v, t.from, t.to)
		}
	}
	return t.base.RoundTrip(out)
}

// actionOf is the action's name in goupnp's SOAPACTION header: "urn:…#Name".
func actionOf(req *http.Request) string {
	for key, values := range req.Header { // goupnp's spelling is not the canonical one
		if strings.EqualFold(key, "SOAPAction") && len(values) > 0 {
			_, name, _ := strings.Cut(strings.Trim(values[0], `"`), "#")
			return name
		}
	}
	return ""
}
