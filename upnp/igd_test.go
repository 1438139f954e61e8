package upnp

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

const (
	testPort = 41234
	testDesc = "homeward-0badcafe"
	self     = "127.0.0.1"
	self6    = "::1"
)

func testWant() want {
	return want{port: testPort, description: testDesc, lease: time.Hour, client: netip.MustParseAddr(self)}
}

func probe(t *testing.T, r *routertest.Router) (session, answer) {
	t.Helper()
	p := &igd{ssdpPort: r.SSDPPort(), log: slog.New(slog.DiscardHandler)}
	return p.probe(hurried(t.Context()), loop(r))
}

// open probes a router that must be found.
func open(t *testing.T, r *routertest.Router) session {
	t.Helper()
	s, a := probe(t, r)
	if !a.ok() {
		t.Fatalf("not found: %v, %s", a.outcome, a.problem)
	}
	return s
}

func TestMapsOnEveryKindOfGateway(t *testing.T) {
	for name, tt := range map[string]struct {
		opt routertest.Options
		via string
		wan string
	}{
		"IGD 2":               {routertest.Options{}, "UPnP WANIPConnection:2", "81.2.69.2"},
		"IGD 1":               {routertest.Options{Version: 1}, "UPnP WANIPConnection:1", "81.2.69.2"},
		"IP 1 below an IGD 2": {routertest.Options{Services: []routertest.Service{{Type: "WANIPConnection:1"}}}, "UPnP WANIPConnection:1", "81.2.69.2"},
		"PPP only":            {routertest.Options{Version: 1, Services: []routertest.Service{{Type: "WANPPPConnection:1"}}}, "UPnP WANPPPConnection:1", "81.2.69.2"},
		"IP disconnected, PPP connected": {routertest.Options{Version: 1, Services: []routertest.Service{
			{Type: "WANIPConnection:1", Status: "Disconnected", WAN: "-"}, {Type: "WANPPPConnection:1"}}}, "UPnP WANPPPConnection:1", "81.2.69.2"},
		"two IP, the second with the public address": {routertest.Options{Services: []routertest.Service{
			{Type: "WANIPConnection:2", WAN: "192.168.100.2"}, {Type: "WANIPConnection:1", WAN: "81.2.69.9"}}}, "UPnP WANIPConnection:1", "81.2.69.9"},
		"T14: pre-standard IP": {routertest.Options{Version: 1, Services: []routertest.Service{{Type: dslForumIP}}}, "UPnP " + dslForumIP, "81.2.69.2"},
		"T14: pre-standard PPP, IP disconnected": {routertest.Options{Version: 1, Services: []routertest.Service{
			{Type: dslForumIP, Status: "Disconnected", WAN: "-"}, {Type: dslForumPPP}}}, "UPnP " + dslForumPPP, "81.2.69.2"},
		"base and control address of another host": {routertest.Options{URLBase: "http://127.0.0.9:5000/",
			Services: []routertest.Service{{Type: "WANIPConnection:2", Path: "http://127.0.0.9:5000/ctl/0"}}}, "UPnP WANIPConnection:2", "81.2.69.2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, tt.opt)
			s := open(t, r)
			if got := s.router().Via; got != tt.via {
				t.Errorf("via %q, want %q", got, tt.via)
			}
			if addr, a := s.external(hurried(t.Context())); !a.ok() || addr.String() != tt.wan {
				t.Errorf("external %v, %v", addr, a)
			}
			g, a := s.add(hurried(t.Context()), testWant())
			if !a.ok() || !g.verified || g.foreign || g.lease != time.Hour {
				t.Fatalf("add: %+v, %+v", g, a)
			}
			want := []routertest.Entry{{External: testPort, Internal: testPort, Protocol: "UDP", Client: self, Description: testDesc, Lease: time.Hour}}
			if got := r.Entries(); !slices.Equal(got, want) {
				t.Errorf("table %+v", got)
			}
			if a := s.remove(hurried(t.Context()), testWant()); !a.ok() || len(r.Entries()) != 0 {
				t.Errorf("remove: %+v, left %+v", a, r.Entries())
			}
		})
	}
}

// faults answers with the codes in turn for as long as they last.
func faults(codes ...int) []routertest.Reply {
	var list []routertest.Reply
	for _, c := range codes {
		list = append(list, routertest.Reply{Fault: c})
	}
	return list
}

func leaseIs(ok string, fault int) func(map[string]string) routertest.Reply {
	return func(args map[string]string) routertest.Reply {
		if args["NewLeaseDuration"] == ok {
			return routertest.Reply{}
		}
		return routertest.Reply{Fault: fault}
	}
}

func TestLeaseLadder(t *testing.T) {
	for name, tt := range map[string]struct {
		add   func(map[string]string) routertest.Reply
		want  outcome
		lease time.Duration
		adds  int
	}{
		"725: permanent only":               {leaseIs("0", 725), done, 0, 2},
		"402: permanent only (ARRIS)":       {leaseIs("0", 402), done, 0, 2},
		"402 to permanent, a week goes":     {leaseIs("604800", 402), done, longLease, 3},
		"402 to everything (table, Huawei)": {leaseIs("none", 402), badArgument, 0, 3},
		"606 ends the ladder":               {leaseIs("none", 606), notAllowed, 0, 1},
		"403 as a fault (FRITZ!Box)":        {leaseIs("none", 403), notAllowed, 0, 1},
		"501":                               {leaseIs("none", 501), failed, 0, 1},
		"728":                               {leaseIs("none", 728), tableFull, 0, 1},
		"716":                               {leaseIs("none", 716), badShape, 0, 1},
		"724, though the ports are equal":   {leaseIs("none", 724), samePort, 0, 1},
		"401: no such action":               {leaseIs("none", 401), unsupported, 0, 1},
		"a code that nobody defined":        {leaseIs("none", 899), broken, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			s := open(t, r)
			r.Always("AddPortMapping", tt.add)
			g, a := s.add(hurried(t.Context()), testWant())
			if a.outcome != tt.want || g.lease != tt.lease || r.Calls("AddPortMapping") != tt.adds {
				t.Errorf("%+v, %+v after %d calls", g, a, r.Calls("AddPortMapping"))
			}
			if !a.ok() {
				return
			}
			s.add(hurried(t.Context()), testWant())
			if got := r.Calls("AddPortMapping"); got != tt.adds+1 {
				t.Errorf("%d more calls for the renewal: what worked was not remembered", got-tt.adds)
			}
		})
	}
}

func TestPortTaken(t *testing.T) {
	foreign := routertest.Entry{External: testPort, Internal: 5000, Client: "127.0.0.40", Description: "old \x1b[1mnas"}
	stale := routertest.Entry{External: testPort, Internal: testPort, Client: self, Description: testDesc, Lease: time.Minute}
	byHand := routertest.Entry{External: testPort, Internal: testPort, Client: self, Description: "WireGuard"}
	former := routertest.Entry{External: testPort, Internal: testPort, Client: "127.0.0.77", Description: testDesc}
	for name, tt := range map[string]struct {
		entry   *routertest.Entry
		replies []routertest.Reply
		want    outcome
		foreign bool
		holder  string
		after   string // description in the table at the end
	}{
		"by another host":                {&foreign, nil, conflict, false, "127.0.0.40 old [1mnas", "old \x1b[1mnas"},
		"729, by another host":           {&foreign, faults(729), conflict, false, "127.0.0.40 old [1mnas", "old \x1b[1mnas"},
		"by our own, router says 718":    {&stale, faults(718), done, false, "", testDesc},
		"by our own, overwritten":        {&stale, nil, done, false, "", testDesc},
		"by our own at a former address": {&former, nil, done, false, "", testDesc},
		"by hand, to us":                 {&byHand, faults(718), done, true, "", "WireGuard"},
		"718, nobody there: policy":      {nil, faults(718), notAllowed, false, "", ""},
		"729, nobody there: router":      {nil, faults(729), conflict, false, "invalid IP ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			if tt.entry != nil {
				r.Put(*tt.entry)
			}
			r.Script("AddPortMapping", tt.replies...)
			s := open(t, r)
			w := testWant()
			w.former = []netip.Addr{netip.MustParseAddr("127.0.0.77")}
			g, a := s.add(hurried(t.Context()), w)
			if a.outcome != tt.want || g.foreign != tt.foreign {
				t.Errorf("%+v, %+v", g, a)
			}
			if a.outcome == conflict && a.holder.client.String()+" "+a.holder.name != tt.holder {
				t.Errorf("holder %+v", a.holder)
			}
			got := ""
			for _, e := range r.Entries() {
				got += e.Description
			}
			if got != tt.after {
				t.Errorf("table has %q, want %q", got, tt.after)
			}
			if a.outcome == conflict {
				if s.remove(hurried(t.Context()), w); r.Calls("DeletePortMapping") != 0 {
					t.Error("somebody else's entry was deleted")
				}
			}
		})
	}
}

// Routers that don't protect one host's entry from another's.
func TestNothingIsTakenFromACarelessRouter(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	s := open(t, r)
	g, a := s.add(hurried(t.Context()), testWant())
	if !a.ok() {
		t.Fatalf("%+v, %+v", g, a)
	}
	r.Put(routertest.Entry{External: testPort, Internal: 9, Client: "127.0.0.40", Description: "new"})
	r.Always("AddPortMapping", func(map[string]string) routertest.Reply { return routertest.Reply{Lie: true} })
	if g, a := s.add(hurried(t.Context()), testWant()); a.outcome != conflict || r.Calls("AddPortMapping") != 1 {
		t.Errorf("%+v, %+v after %d calls", g, a, r.Calls("AddPortMapping"))
	}
}

func TestReadBackFindsLies(t *testing.T) {
	elsewhere := func(change string) string {
		values := map[string]string{"NewInternalPort": "41234", "NewInternalClient": self, "NewEnabled": "1",
			"NewPortMappingDescription": testDesc, "NewLeaseDuration": "3600"}
		key, value, _ := strings.Cut(change, "=")
		if key != "" {
			values[key] = value
		}
		var b strings.Builder
		for name, v := range values {
			b.WriteString("<" + name + ">" + v + "</" + name + ">")
		}
		return soapBody("<u:GetSpecificPortMappingEntryResponse xmlns:u='urn:x'>" + b.String() + "</u:GetSpecificPortMappingEntryResponse>")
	}
	for name, tt := range map[string]struct {
		add, get routertest.Reply
		want     outcome
		verified bool
		lease    time.Duration
	}{
		"as asked":               {routertest.Reply{}, routertest.Reply{Body: elsewhere("")}, done, true, time.Hour},
		"yes without an entry":   {routertest.Reply{Lie: true}, routertest.Reply{}, notThere, false, 0},
		"shorter lease":          {routertest.Reply{}, routertest.Reply{Body: elsewhere("NewLeaseDuration=60")}, done, true, time.Minute},
		"longer lease":           {routertest.Reply{}, routertest.Reply{Body: elsewhere("NewLeaseDuration=86400")}, done, true, time.Hour},
		"no lease told":          {routertest.Reply{}, routertest.Reply{Body: elsewhere("NewLeaseDuration=")}, done, true, time.Hour},
		"negative lease":         {routertest.Reply{}, routertest.Reply{Body: elsewhere("NewLeaseDuration=-5")}, done, true, time.Hour},
		"description changed":    {routertest.Reply{}, routertest.Reply{Body: elsewhere("NewPortMappingDescription=UPnP")}, done, true, time.Hour},
		"another client":         {routertest.Reply{}, routertest.Reply{Body: elsewhere("NewInternalClient=127.0.0.9")}, conflict, false, 0},
		"another internal port":  {routertest.Reply{}, routertest.Reply{Body: elsewhere("NewInternalPort=51820")}, notThere, false, 0},
		"switched off":           {routertest.Reply{}, routertest.Reply{Body: elsewhere("NewEnabled=0")}, notThere, false, 0},
		"nothing for enabled":    {routertest.Reply{}, routertest.Reply{Body: elsewhere("NewEnabled=")}, done, true, time.Hour},
		"no read-back (NETGEAR)": {routertest.Reply{}, routertest.Reply{Fault: 401}, done, false, time.Hour},
		"read-back is html":      {routertest.Reply{}, routertest.Reply{Body: "<html>"}, done, false, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			s := open(t, r)
			r.Script("AddPortMapping", tt.add)
			r.Script("GetSpecificPortMappingEntry", routertest.Reply{}, tt.get)
			g, a := s.add(hurried(t.Context()), testWant())
			if a.outcome != tt.want || g.verified != tt.verified || g.lease != tt.lease || g.foreign {
				t.Errorf("%+v, %+v", g, a)
			}
		})
	}
}

func TestExternalAddressAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		wan     string
		reply   routertest.Reply
		want    wanClass
		outcome outcome
	}{
		"public":    {"81.2.69.2", routertest.Reply{}, wanPublic, done},
		"private":   {"192.168.0.12", routertest.Reply{}, wanPrivate, done},
		"carrier":   {"100.64.3.4", routertest.Reply{}, wanCarrier, done},
		"DS-Lite":   {"192.0.0.2", routertest.Reply{}, wanCarrier, done},
		"zero":      {"0.0.0.0", routertest.Reply{}, wanNone, done},
		"text":      {"not connected", routertest.Reply{}, wanNone, done},
		"IPv6":      {"2001:db8::1", routertest.Reply{}, wanNone, done},
		"loopback":  {"127.0.0.1", routertest.Reply{}, wanNone, done},
		"501":       {"", routertest.Reply{Fault: 501}, wanNone, failed},
		"404":       {"", routertest.Reply{Status: 404, Body: "x"}, wanNone, moved},
		"500 empty": {"", routertest.Reply{Status: 500}, wanNone, broken},
		"hang up":   {"", routertest.Reply{Drop: true}, wanNone, broken},
		"redirect":  {"", routertest.Reply{Status: 307, Header: map[string]string{"Location": "http://ADDR/ctl/0"}}, wanNone, broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			s := open(t, r)
			r.SetWAN(tt.wan)
			if tt.reply.Fault+tt.reply.Status != 0 || tt.reply.Drop {
				r.Script("GetExternalIPAddress", tt.reply)
			}
			addr, a := s.external(hurried(t.Context()))
			if a.outcome != tt.outcome || classify(addr) != tt.want {
				t.Errorf("%v, %+v", addr, a)
			}
			if n := r.Calls("GetExternalIPAddress"); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// trap is a host in the LAN that must not hear from us.
func trap(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.9:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a connection to a host that isn't the gateway")
	})}
	ended := make(chan struct{})
	go func() { defer close(ended); server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-ended })
	return l.Addr().String()
}

func TestNobodyButTheGatewayIsContacted(t *testing.T) {
	t.Parallel()
	elsewhere := trap(t)
	if pinnedTransport(Gateway{}).Proxy != nil {
		t.Error("the transport would ask a proxy")
	}
	search := func(location string) routertest.Reply {
		return routertest.Reply{Body: "HTTP/1.1 200 OK\r\nLOCATION: " + location + "\r\n\r\n"}
	}
	for name, tt := range map[string]struct {
		search, description *routertest.Reply
		found               bool
	}{
		"location elsewhere":       {ptr(search("http://" + elsewhere + "/root.xml")), nil, false},
		"location by name":         {ptr(search("http://localhost:80/root.xml")), nil, false},
		"redirected description":   {nil, &routertest.Reply{Status: 302, Header: map[string]string{"Location": "http://" + elsewhere + "/root.xml"}}, false},
		"negative control: honest": {nil, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{URLBase: "http://" + elsewhere + "/",
				Services: []routertest.Service{{Type: "WANIPConnection:2", Path: "http://" + elsewhere + "/ctl/0"}}})
			if tt.search != nil {
				r.Always(routertest.Search, func(map[string]string) routertest.Reply { return *tt.search })
			}
			if tt.description != nil {
				r.Always(routertest.Description, func(map[string]string) routertest.Reply { return *tt.description })
			}
			s, a := probe(t, r)
			if (s != nil) != tt.found || a.ok() != tt.found {
				t.Fatalf("%v, %+v", s, a)
			}
			if s != nil {
				if g, a := s.add(hurried(t.Context()), testWant()); !a.ok() {
					t.Errorf("%+v, %+v", g, a)
				}
			}
		})
	}
	// Negative control of the pin itself: the same transport refuses by address.
	c := client(pinnedTransport(Gateway{Addr: netip.MustParseAddr("127.0.0.2"), Self: netip.MustParseAddr(self)}))
	if resp, err := c.Get("http://" + elsewhere); err == nil {
		resp.Body.Close()
		t.Error("connected past the pin")
	}
}

func ptr[T any](v T) *T { return &v }

func TestBadBodiesAreBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reply routertest.Reply
		want  outcome
	}{
		"huge":  {routertest.Reply{Body: "<root>" + strings.Repeat("x", maxBody)}, broken},
		"deep":  {routertest.Reply{Body: strings.Repeat("<device>", 5000)}, broken},
		"html":  {routertest.Reply{Status: 403, Body: "<html>"}, broken},
		"other": {routertest.Reply{Body: "<root><device></device></root>"}, unsupported},
	} {
		t.Run("description "+name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			r.Always(routertest.Description, func(map[string]string) routertest.Reply { return tt.reply })
			if s, a := probe(t, r); s != nil || a.outcome != tt.want {
				t.Errorf("%v, %+v", s, a)
			}
		})
	}
	t.Run("reply huge", func(t *testing.T) {
		r := routertest.New(t, routertest.Options{})
		s := open(t, r)
		r.Script("GetExternalIPAddress", routertest.Reply{Body: strings.Repeat(" ", maxBody+1)})
		if _, a := s.external(hurried(t.Context())); a.outcome != broken {
			t.Errorf("%+v", a)
		}
	})
	for name, reply := range map[string]routertest.Reply{
		"reply never comes":     {Delay: time.Hour},
		"reply byte after byte": {Body: soapBody("<x/>"), Drip: 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := routertest.New(t, routertest.Options{})
			s := open(t, r)
			r.Script("GetExternalIPAddress", reply)
			start := time.Now()
			if _, a := s.external(hurried(t.Context())); a.outcome != silent || time.Since(start) > callTime+time.Second {
				t.Errorf("%+v after %v", a, time.Since(start))
			}
		})
	}
}

func TestSweepRemovesOnlyOurs(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	keep := []routertest.Entry{
		{External: 443, Internal: testPort, Client: self, Description: "second door"},          // made by hand
		{External: 1000, Internal: testPort, Client: self, Description: "homeward-ffffffff"},   // another box's id
		{External: 2000, Internal: testPort, Client: "127.0.0.9", Description: testDesc},       // not our address
		{External: 3000, Internal: 3000, Protocol: "TCP", Client: self, Description: testDesc}, // not UDP
		{External: testPort, Internal: testPort, Client: self, Description: testDesc},          // the one we want
	}
	for _, e := range keep {
		r.Put(e)
	}
	r.Put(routertest.Entry{External: 5000, Internal: 5000, Client: self, Description: testDesc})
	r.Put(routertest.Entry{External: 5001, Internal: 5001, Client: self, Description: testDesc})
	w := testWant()
	w.held = true
	n, a := open(t, r).sweep(hurried(t.Context()), w)
	if n != 2 || !a.ok() || len(r.Entries()) != len(keep) {
		t.Errorf("removed %d, %+v; left %+v", n, a, r.Entries())
	}
}

func TestCallsKeepTheirDistance(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	s := open(t, r)
	start := time.Now()
	for range 3 {
		s.external(t.Context())
	}
	if took := time.Since(start); took < 2*callGap {
		t.Errorf("three calls within %v", took)
	}
}
