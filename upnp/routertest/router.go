package routertest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// freeLocked is the first port from this one on that is allowed and nobody has; zero: none.
func (r *Router) freeLocked(port uint16, table map[uint16]Entry) uint16 {
	for range 1 << 16 {
		if _, taken := table[port]; port != 0 && !taken && r.opt.allows(port) {
			return port
		}
		port++
	}
	return 0
}

// Router is a fake home router.
type Router struct {
	t    testing.TB
	opt  Options
	addr netip.Addr
	udp  *net.UDPConn
	ctl  *net.UDPConn // nil when neither PCP nor NAT-PMP is spoken
	wait sync.WaitGroup

	mu      sync.Mutex // guards what follows
	http    *http.Server
	listen  netip.AddrPort
	entries map[uint16]Entry
	control map[uint16]Entry // of PCP and NAT-PMP where the tables are separate
	nonces  map[uint16]string
	// pinholes of UPnP, by their numbers; lastPinhole is the latest given.
	pinholes    map[uint16]*pinhole
	lastPinhole uint16
	booted      time.Time
	scripts     map[string][]Reply
	always      map[string]func(args map[string]string) Reply
	calls       map[string]int
	ended       map[string]int
	news        chan struct{} // closed and replaced when a request has been answered
	order       []string
	wan         string
	boot        int
	// subscribers are those who get events, by the names of their subscriptions.
	subscribers map[string]string
	subscribed  int // how often somebody began to
}

// New starts a router; it ends with the test.
func New(t testing.TB, opt Options) *Router {
	t.Helper()
	addr := netip.MustParseAddr("127.0.0.2")
	switch {
	case opt.Addr.IsValid():
		addr = opt.Addr
	case opt.IPv6:
		addr = netip.IPv6Loopback()
	}
	if opt.Version == 0 {
		opt.Version = 2
	}
	if len(opt.Services) == 0 {
		opt.Services = []Service{{Type: fmt.Sprintf("WANIPConnection:%d", opt.Version)}}
	}
	r := &Router{
		t: t, opt: opt, addr: addr, pinholes: make(map[uint16]*pinhole),
		entries: make(map[uint16]Entry), control: make(map[uint16]Entry), nonces: make(map[uint16]string),
		booted: time.Now().Add(-time.Hour), scripts: make(map[string][]Reply),
		always: make(map[string]func(map[string]string) Reply), calls: make(map[string]int),
		ended: make(map[string]int), news: make(chan struct{}), subscribers: make(map[string]string),
	}
	var err error
	r.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.addr, opt.SearchPort)))
	if err != nil {
		t.Fatal(err)
	}
	r.serve()
	r.wait.Go(r.answerSearches)
	if opt.PCP || opt.PMP {
		r.ctl, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.addr, opt.Control)))
		if err != nil {
			t.Fatal(err)
		}
		r.wait.Go(r.answerControl)
	}
	t.Cleanup(r.close)
	return r
}

func (r *Router) close() {
	r.udp.Close()
	if r.ctl != nil {
		r.ctl.Close()
	}
	r.mu.Lock()
	r.http.Close()
	r.mu.Unlock()
	r.wait.Wait()
}

// serve opens the HTTP side on a port of the system's choice.
func (r *Router) serve() {
	l, err := net.Listen("tcp", netip.AddrPortFrom(r.addr, 0).String())
	if err != nil {
		r.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(r.handle), ReadHeaderTimeout: time.Minute}
	r.http, r.listen = server, l.Addr().(*net.TCPAddr).AddrPort()
	r.boot++
	r.wait.Go(func() { server.Serve(l) })
}

// Addr is the router's address; our own side of the LAN is 127.0.0.1, or ::1 too.
func (r *Router) Addr() netip.Addr { return r.addr }

// SSDPPort is the UDP port on which it answers searches.
func (r *Router) SSDPPort() uint16 { return r.udp.LocalAddr().(*net.UDPAddr).AddrPort().Port() }

// Restart loses the table and moves to another TCP port, as many routers do.
func (r *Router) Restart() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.http.Close()
	r.entries, r.control = make(map[uint16]Entry), make(map[uint16]Entry)
	clear(r.pinholes)
	clear(r.subscribers)
	r.lastPinhole = 0
	r.booted = time.Now()
	r.serve()
}

// SetWAN changes the external address of all services.
func (r *Router) SetWAN(addr string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wan = addr
}

// Put makes an entry, whoever has the port.
func (r *Router) Put(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Protocol == "" {
		e.Protocol = "UDP"
	}
	r.entries[e.External] = e
}

// Clear empties the table.
func (r *Router) Clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.entries)
	clear(r.control)
	clear(r.pinholes)
}

// Entries returns the table, by external port, and the openings of the IPv6 firewall.
func (r *Router) Entries() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(sorted(r.entries, r.control), r.openings()...)
}

func sorted(tables ...map[uint16]Entry) []Entry {
	list := []Entry{}
	for _, t := range tables {
		for _, e := range t {
			list = append(list, e)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].External < list[j].External })
	return list
}

// Script sets replies for the next requests of that name, one each; normal
// behaviour follows.
func (r *Router) Script(name string, replies ...Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scripts[name] = append(r.scripts[name], replies...)
}

// Always sets the reply for every request of that name; the function sees the
// action's arguments. Scripts come first.
func (r *Router) Always(name string, f func(args map[string]string) Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.always[name] = f
}

// Calls is how often the action (or Description, or Search) was asked for.
func (r *Router) Calls(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[name]
}

// Await waits until so many requests of that name have been answered.
func (r *Router) Await(name string, n int) {
	r.t.Helper()
	limit := time.After(time.Minute)
	for {
		r.mu.Lock()
		got, news := r.ended[name], r.news
		r.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-news:
		case <-limit:
			r.t.Fatalf("only %d of %d requests %s", got, n, name)
		}
	}
}

// end counts a request as answered.
func (r *Router) end(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended[name]++
	close(r.news)
	r.news = make(chan struct{})
}

// Order is every request so far, by name.
func (r *Router) Order() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.order...)
}

// next counts a request and says how to treat it.
func (r *Router) next(name string, args map[string]string) Reply {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[name]++
	r.order = append(r.order, name)
	if s := r.scripts[name]; len(s) > 0 {
		r.scripts[name] = s[1:]
		return s[0]
	}
	if f := r.always[name]; f != nil {
		return f(args)
	}
	return Reply{}
}

// fill puts the router's address into a text.
func (r *Router) fill(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.ReplaceAll(s, "ADDR", r.listen.String())
}

func (r *Router) answerSearches() {
	buf := make([]byte, 2048)
	for {
		n, from, err := r.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		target := ""
		for line := range strings.Lines(string(buf[:n])) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(key, "ST") {
				target = strings.TrimSpace(value)
			}
		}
		reply := r.next(Search, map[string]string{"ST": target})
		own := fmt.Sprintf("urn:schemas-upnp-org:device:InternetGatewayDevice:%d", r.opt.Version)
		if r.opt.NoUPnP || reply.Drop || reply.Body == "" && target != own && target != "upnp:rootdevice" {
			continue
		}
		body := reply.Body
		if body == "" {
			body = "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: " + target +
				"\r\nUSN: uuid:router::" + target + "\r\nEXT:\r\nSERVER: test/1 UPnP/1.1 test/1\r\n" +
				"LOCATION: http://ADDR/root.xml\r\nBOOTID.UPNP.ORG: 1\r\n\r\n"
		}
		r.send(r.udp, r.fill(body), from, reply.From)
	}
}

func (r *Router) send(conn *net.UDPConn, body string, to netip.AddrPort, from netip.Addr) {
	if from.IsValid() {
		other, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0)))
		if err != nil {
			r.t.Error(err)
			return
		}
		defer other.Close()
		conn = other
	}
	// The one who asked may have gone.
	_, _ = conn.WriteToUDPAddrPort([]byte(body), to)
}

// pause waits, but not longer than the client does.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
