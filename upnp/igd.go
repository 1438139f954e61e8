package upnp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/dcps/internetgateway2"
	"github.com/huin/goupnp/soap"
)

const (
	udp         = "UDP"              // upper case: TP-Link's ER605 knows no other
	anyHost     = ""                 // RemoteHost: neither "*" nor 0.0.0.0 (pfSense)
	longLease   = 7 * 24 * time.Hour // the longest finite lease of IGD 2
	callGap     = 150 * time.Millisecond
	maxDevices  = 4  // descriptions read in one search
	maxConns    = 8  // services looked at in one description
	maxEntries  = 64 // entries read when looking for leftovers
	probeBudget = 8 * time.Second
	sweepBudget = 5 * time.Second
)

// connection is what goupnp's clients of WANIPConnection:1, :2 and
// WANPPPConnection:1 have in common.
type connection interface {
	GetStatusInfoCtx(context.Context) (status, lastError string, uptime uint32, err error)
	GetExternalIPAddressCtx(context.Context) (string, error)
	AddPortMappingCtx(ctx context.Context, remote string, external uint16, protocol string, internal uint16,
		client string, enabled bool, description string, leaseSeconds uint32) error
	GetSpecificPortMappingEntryCtx(ctx context.Context, remote string, external uint16, protocol string) (
		internal uint16, client string, enabled bool, description string, leaseSeconds uint32, err error)
	GetGenericPortMappingEntryCtx(ctx context.Context, index uint16) (
		remote string, external uint16, protocol string, internal uint16, client string, enabled bool,
		description string, leaseSeconds uint32, err error)
	DeletePortMappingCtx(ctx context.Context, remote string, external uint16, protocol string) error
}

// newConnection is goupnp's client for a service, on our transport.
func newConnection(s *goupnp.Service, root *goupnp.RootDevice, location *url.URL, rt http.RoundTripper) connection {
	c := goupnp.ServiceClient{
		SOAPClient: &soap.SOAPClient{EndpointURL: s.ControlURL.URL, HTTPClient: client(rt)},
		RootDevice: root,
		Location:   location,
		Service:    s,
	}
	switch s.ServiceType {
	case internetgateway2.URN_WANIPConnection_2:
		return &internetgateway2.WANIPConnection2{ServiceClient: c}
	case internetgateway2.URN_WANIPConnection_1:
		return &internetgateway2.WANIPConnection1{ServiceClient: c}
	default:
		return &internetgateway2.WANPPPConnection1{ServiceClient: c}
	}
}

// igd is the UPnP Internet Gateway Device protocol, versions 1 and 2.
type igd struct {
	ssdpPort uint16
	log      *slog.Logger
}

func (p *igd) name() string { return "UPnP" }

// probe takes the first description of the gateway's that offers a WAN connection.
func (p *igd) probe(ctx context.Context, gw Gateway) (session, answer) {
	ctx, cancel := context.WithTimeout(ctx, probeBudget)
	defer cancel()
	base := pinnedTransport(gw)
	plain := client(base)
	var (
		best    *igdSession
		problem answer
		tried   int
	)
	s := searcher{gw: gw, port: p.ssdpPort, log: p.log}
	heard, err := s.search(ctx, func(a ssdpAnswer, location *url.URL) bool {
		if tried++; tried > maxDevices {
			return true
		}
		root, err := fetchDescription(ctx, &plain, location)
		if err == nil {
			best, err = p.choose(ctx, gw, a, root, location, soapTransport{base})
		}
		if err != nil {
			p.log.Debug("passing over a UPnP device", "gateway", gw.Addr, "location", location.String(), "err", err)
			problem = answer{outcome: broken, problem: err.Error()}
			if errors.Is(err, errNoWANService) {
				problem.outcome = unsupported
			}
		}
		return best != nil
	})
	switch {
	case best != nil:
		return best, answer{}
	case problem.outcome != done:
		return nil, problem
	case heard:
		return nil, answer{outcome: unsupported, problem: "UPnP answers name no address on the gateway"}
	case err != nil:
		return nil, answer{outcome: silent, problem: err.Error()}
	}
	return nil, answer{outcome: silent, problem: "no answer to the UPnP search"}
}

// choose picks one of a device's WAN connections: connected and with a public
// address, else connected, else any; among equals the newest type.
func (p *igd) choose(ctx context.Context, gw Gateway, a ssdpAnswer, root *goupnp.RootDevice, location *url.URL, rt http.RoundTripper) (*igdSession, error) {
	services := wanServices(root, location, gw.Addr)
	if len(services) == 0 {
		return nil, errNoWANService
	}
	if len(services) > maxConns {
		services = services[:maxConns]
	}
	var best *igdSession
	bestScore := -1
	for _, service := range services {
		s := &igdSession{
			conn:   newConnection(service, root, location, rt),
			bootID: a.bootID,
			who: Router{
				Name: routerName(root.Device.Manufacturer, root.Device.ModelName),
				Via:  "UPnP " + strings.TrimPrefix(service.ServiceType, "urn:schemas-upnp-org:service:"),
				ID:   clean(root.Device.UDN),
			},
			log: p.log,
		}
		if len(services) == 1 {
			return s, nil
		}
		if score := s.score(ctx); score > bestScore {
			best, bestScore = s, score
		}
		if bestScore == perfectScore {
			break
		}
	}
	return best, nil
}

// igdSession is one WAN connection of one router.
type igdSession struct {
	conn   connection
	who    Router
	bootID uint32 // of the answer that led here: the seam for noticing restarts
	log    *slog.Logger

	last   time.Time     // end of the last call
	worked time.Duration // the lease that the router accepted last; valid when known
	known  bool
}

func (s *igdSession) router() Router { return s.who }

const perfectScore = 3

func (s *igdSession) score(ctx context.Context) int {
	score := 0
	var status string
	a := s.call(ctx, "GetStatusInfo", func(ctx context.Context) (err error) {
		status, _, _, err = s.conn.GetStatusInfoCtx(ctx)
		return err
	})
	if a.ok() && strings.EqualFold(status, "Connected") {
		score = 2
	}
	if addr, a := s.external(ctx); a.ok() && classify(addr) == wanPublic {
		score++
	}
	return score
}

func (s *igdSession) external(ctx context.Context) (netip.Addr, answer) {
	var text string
	a := s.call(ctx, "GetExternalIPAddress", func(ctx context.Context) (err error) {
		text, err = s.conn.GetExternalIPAddressCtx(ctx)
		return err
	})
	if !a.ok() {
		return netip.Addr{}, a
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || !addr.Is4() || addr.IsUnspecified() {
		return netip.Addr{}, answer{}
	}
	return addr, answer{}
}

// add walks the ladder of leases (3600 s, permanent, a week), because routers
// that want only permanent ones say 725 or 402 to any other, and some say 402
// to permanent ones. It looks before it asks: some routers let a newcomer
// overwrite another host's entry, and we are not to take any.
func (s *igdSession) add(ctx context.Context, w want) (grant, answer) {
	switch e, a := s.entry(ctx, w.port); {
	case a.outcome == moved, a.outcome == silent:
		return grant{}, a
	case !a.ok(), e.ours(w): // free, a router that can't be asked, or ours to renew
	case e.leadsTo(w):
		return grant{verified: true, foreign: true}, answer{}
	default:
		return grant{}, withHolder(answer{outcome: conflict, problem: "the port is taken on the router"}, e, w)
	}
	ladder := []time.Duration{w.lease, 0, longLease}
	if s.known {
		ladder = []time.Duration{s.worked}
	}
	var a answer
	for _, lease := range ladder {
		a = s.addPortMapping(ctx, w, lease)
		if a.outcome == conflict {
			var g grant
			if g, a = s.settle(ctx, w, lease, a); g.foreign {
				return g, a
			}
		}
		if a.ok() {
			s.worked, s.known = lease, true
			return s.readBack(ctx, w, lease)
		}
		if a.outcome != badLease && a.outcome != badArgument {
			break
		}
	}
	s.known = false
	return grant{}, a
}

func (s *igdSession) addPortMapping(ctx context.Context, w want, lease time.Duration) answer {
	return s.call(ctx, "AddPortMapping", func(ctx context.Context) error {
		return s.conn.AddPortMappingCtx(ctx, anyHost, w.port, udp, w.port, w.client.String(), true,
			w.description, uint32(lease/time.Second))
	})
}

// settle looks who has the port after 718 or 729. IGD 1 routers say 718 also for
// "not permitted" and some to the owner of the entry.
func (s *igdSession) settle(ctx context.Context, w want, lease time.Duration, refusal answer) (grant, answer) {
	e, a := s.entry(ctx, w.port)
	switch {
	case a.outcome == notThere && refusal.code == codeConflict:
		return grant{}, answer{outcome: notAllowed, problem: refusal.problem + ", though nobody has the port"}
	case !a.ok():
		return grant{}, refusal
	case e.ours(w):
		if a := s.deletePortMapping(ctx, w.port); !a.ok() && a.outcome != notThere {
			if e.leadsTo(w) {
				return grant{}, answer{} // it is what we want; the read-back says for how long
			}
			return grant{}, withHolder(refusal, e, w)
		}
		return grant{}, s.addPortMapping(ctx, w, lease)
	case e.leadsTo(w):
		return grant{verified: true, foreign: true}, answer{}
	}
	return grant{}, withHolder(refusal, e, w)
}

// readBack looks at the entry that was just made. The router's remaining time
// counts when it is less than what we asked for.
func (s *igdSession) readBack(ctx context.Context, w want, lease time.Duration) (grant, answer) {
	g, a := s.check(ctx, w)
	switch a.outcome {
	case done:
	case notThere:
		return grant{}, answer{outcome: notThere, problem: "the router said yes, but keeps no such entry"}
	case conflict:
		return grant{}, a
	default: // it can't be asked, or not now: believe the yes
		return grant{lease: lease}, answer{}
	}
	if lease > 0 && (g.lease <= 0 || g.lease > lease) {
		g.lease = lease
	}
	g.foreign = false // we made it just now, even if the router changed the description
	return g, answer{}
}

func (s *igdSession) check(ctx context.Context, w want) (grant, answer) {
	e, a := s.entry(ctx, w.port)
	switch {
	case !a.ok():
		return grant{}, a
	case e.leadsTo(w):
	case e.addr() == w.client:
		return grant{}, answer{outcome: notThere, problem: fmt.Sprintf("the router's entry leads to our port %d, enabled: %t", e.internal, e.enabled)}
	default:
		return grant{}, withHolder(answer{outcome: conflict, problem: "the router's entry leads elsewhere"}, e, w)
	}
	return grant{lease: e.lease, verified: true, foreign: !e.ours(w)}, answer{}
}

// remove reads the entry first: what isn't ours stays.
func (s *igdSession) remove(ctx context.Context, w want) answer {
	e, a := s.entry(ctx, w.port)
	switch {
	case a.outcome == notThere:
		return answer{}
	case a.ok() && !e.ours(w):
		return answer{} // nothing of ours is left
	case a.outcome == moved || a.outcome == silent:
		return a
	}
	if a = s.deletePortMapping(ctx, w.port); a.outcome == notThere {
		return answer{}
	}
	return a
}

func (s *igdSession) deletePortMapping(ctx context.Context, port uint16) answer {
	return s.call(ctx, "DeletePortMapping", func(ctx context.Context) error {
		return s.conn.DeletePortMappingCtx(ctx, anyHost, port, udp)
	})
}

// sweep reads the router's list for entries of ours on other ports.
func (s *igdSession) sweep(ctx context.Context, w want) (removed int, _ answer) {
	ctx, cancel := context.WithTimeout(ctx, sweepBudget)
	defer cancel()
	w.held = false // that is about our port; here only the description counts
	var old []uint16
	for i := range uint16(maxEntries) {
		var e entry
		var protocol string
		a := s.call(ctx, "GetGenericPortMappingEntry", func(ctx context.Context) error {
			var lease uint32
			var err error
			_, e.external, protocol, e.internal, e.client, e.enabled, e.description, lease, err =
				s.conn.GetGenericPortMappingEntryCtx(ctx, i)
			e.lease = time.Duration(lease) * time.Second
			return err
		})
		if a.outcome == moved || a.outcome == silent {
			return 0, a
		}
		if !a.ok() {
			break // the end of the list, or a router that doesn't tell it
		}
		if strings.EqualFold(protocol, udp) && e.external != w.port && e.ours(w) {
			old = append(old, e.external)
		}
	}
	for _, port := range old {
		if s.deletePortMapping(ctx, port).ok() {
			removed++
		}
	}
	return removed, answer{}
}

// hurried marks calls at start and at stop, which need not keep the distance that
// spares weak routers.
func hurried(ctx context.Context) context.Context {
	return context.WithValue(ctx, hurryKey{}, true)
}

type hurryKey struct{}

// call makes one SOAP call, at a distance from the last one, and says what came of it.
func (s *igdSession) call(ctx context.Context, action string, f func(context.Context) error) answer {
	if gap := callGap - time.Since(s.last); gap > 0 && ctx.Value(hurryKey{}) == nil {
		select {
		case <-ctx.Done():
			return answer{outcome: silent, problem: ctx.Err().Error()}
		case <-time.After(gap):
		}
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	ctx, tr := traced(ctx)
	err := f(ctx)
	s.last = time.Now()
	a := tr.answer(err)
	s.log.Debug("asked the router", "action", action, "outcome", a.outcome.String(), "problem", a.problem)
	return a
}
