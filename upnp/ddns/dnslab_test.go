package ddns

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// fakeDNS is a recursive resolver, the authority of every zone and the primary
// that takes updates, in one server on loopback.
type fakeDNS struct {
	addr string

	mu      sync.Mutex
	records map[string][]string // "name. TYPE" to data
	keys    map[string]string
	// quirks
	rcode        int  // of every update
	unsigned     bool // updates are answered without a signature
	silent       bool // authoritative queries and updates get no answer
	notAuthority bool
	truncate     bool
	wrongName    bool
	tcpQueries   int
	updates      int
}

func newFakeDNS(t *testing.T) *fakeDNS {
	t.Helper()
	f := &fakeDNS{records: map[string][]string{}, keys: map[string]string{"home-key.": testKey}}
	var lc net.ListenConfig
	tcp, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = tcp.Addr().String()
	udp, err := lc.ListenPacket(t.Context(), "udp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	t.Cleanup(done.Wait) // after both were told to stop: cleanups go backwards
	for _, s := range []*dns.Server{{Listener: tcp}, {PacketConn: udp}} {
		started := make(chan struct{})
		s.Handler = dns.HandlerFunc(f.serve)
		s.TsigSecret = f.keys
		s.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
		s.NotifyStartedFunc = func() { close(started) }
		done.Go(func() { _ = s.ActivateAndServe() })
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
	return f
}

const testKey = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0IQ=="

// resolver is Go's own, pointed at this server.
func (f *fakeDNS) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, f.addr)
	}}
}

func (f *fakeDNS) set(name, typ string, data ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records[name+". "+typ] = data
}

func (f *fakeDNS) get(name, typ string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.records[name+". "+typ], ",")
}

func (f *fakeDNS) change(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeDNS) serve(w dns.ResponseWriter, m *dns.Msg) {
	f.mu.Lock()
	defer f.mu.Unlock()
	recursive := m.RecursionDesired && m.Opcode == dns.OpcodeQuery
	if f.silent && (!recursive || m.Question[0].Qtype == dns.TypeSOA) {
		return
	}
	r := new(dns.Msg).SetReply(m)
	if m.Opcode == dns.OpcodeUpdate {
		f.update(w, m, r)
	} else {
		f.query(w, m, r, recursive)
	}
	_ = w.WriteMsg(r)
}

func (f *fakeDNS) query(w dns.ResponseWriter, m, r *dns.Msg, recursive bool) {
	q := m.Question[0]
	if w.LocalAddr().Network() == "tcp" {
		f.tcpQueries++
	}
	r.RecursionAvailable = recursive
	r.Authoritative = !recursive && !f.notAuthority
	if f.truncate && !recursive && w.LocalAddr().Network() == "udp" {
		r.Truncated = true
		return
	}
	for _, t := range []string{dns.TypeToString[q.Qtype], "CNAME"} {
		for _, data := range f.records[dns.CanonicalName(q.Name)+" "+t] {
			rr, err := dns.NewRR(q.Name + " 60 IN " + t + " " + data)
			if err == nil && !(t == "CNAME" && recursive) {
				r.Answer = append(r.Answer, rr)
			}
		}
	}
	if q.Qtype == dns.TypeSOA && len(r.Answer) == 0 {
		for key, data := range f.records {
			zone, is := strings.CutSuffix(key, " SOA")
			if is && dns.IsSubDomain(zone, q.Name) {
				rr, _ := dns.NewRR(zone + " 60 IN SOA " + data[0])
				r.Ns = append(r.Ns, rr)
			}
		}
	}
	if f.wrongName && !recursive {
		r.Question[0].Name = "elsewhere.example."
	}
}

func (f *fakeDNS) update(w dns.ResponseWriter, m, r *dns.Msg) {
	tsig := m.IsTsig()
	if tsig == nil || w.TsigStatus() != nil {
		r.Rcode = dns.RcodeNotAuth
		if tsig != nil {
			bad := *tsig
			bad.Error, bad.MAC, bad.MACSize = dns.RcodeBadSig, "", 0
			r.Extra = append(r.Extra, &bad)
		}
		return
	}
	f.updates++
	if !f.unsigned {
		r.SetTsig(tsig.Hdr.Name, tsig.Algorithm, 300, int64(tsig.TimeSigned))
	}
	if r.Rcode = f.rcode; r.Rcode != dns.RcodeSuccess {
		return
	}
	for _, rr := range m.Ns {
		key := dns.CanonicalName(rr.Header().Name) + " " + dns.TypeToString[rr.Header().Rrtype]
		if rr.Header().Class == dns.ClassANY {
			delete(f.records, key)
			continue
		}
		fields := strings.Fields(rr.String())
		f.records[key] = append(f.records[key], fields[len(fields)-1])
	}
}
