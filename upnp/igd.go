package upnp

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
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
	case dslForumIP:
		c.SOAPClient.HTTPClient = client(renamed{rt, internetgateway2.URN_WANIPConnection_1, dslForumIP})
		return &internetgateway2.WANIPConnection1{ServiceClient: c}
	case dslForumPPP:
		c.SOAPClient.HTTPClient = client(renamed{rt, internetgateway2.URN_WANPPPConnection_1, dslForumPPP})
		return &internetgateway2.WANPPPConnection1{ServiceClient: c}
	default:
		return &internetgateway2.WANPPPConnection1{ServiceClient: c}
	}
}

// igd is the UPnP Internet Gateway Device protocol, versions 1 and 2.
type igd struct {
	ssdpPort uint16
	log      *slog.Logger
	others   *otherRouters // besides the gateway; may be nil
}

func (p *igd) name() string { return "UPnP" }

// probe takes the first description of the gateway's that offers a WAN connection.
func (p *igd) probe(ctx context.Context, gw Gateway) (session, answer) {
	ctx, cancel := context.WithTimeout(ctx, probeBudget)
	defer cancel()
	base := pinnedTransport(gw)
	var best *igdSession
	d := descriptions{gw: gw, port: p.ssdpPort, log: p.log, client: client(base), others: p.others}
	a := d.find(ctx, func(a ssdpAnswer, root *goupnp.RootDevice, location *url.URL) (err error) {
		best, err = p.choose(ctx, gw, a, root, location, soapTransport{base})
		return err
	})
	if !a.ok() {
		return nil, a
	}
	return best, answer{}
}

// choose picks one of a device's WAN connections: connected and with a public
// address, else connected, else any; among equals the newest type.
func (p *igd) choose(ctx context.Context, gw Gateway, a ssdpAnswer, root *goupnp.RootDevice, location *url.URL, rt http.RoundTripper) (*igdSession, error) {
	services := offered(root, location, gw.Addr, serviceOrder)
	if len(services) == 0 {
		return nil, fmt.Errorf("it offers no WAN connection: %w", errNoService)
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
			events: eventURL(location, root, service, gw),
			caller: caller{log: p.log},

			stirring: stirring{needed: answersFromMemory(a.server)},
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

// eventURL is where the service's events are subscribed to; nil: nowhere.
func eventURL(location *url.URL, root *goupnp.RootDevice, service *goupnp.Service, gw Gateway) *url.URL {
	u, err := controlURL(location, root.URLBaseStr, service.EventSubURL.Str, gw.Addr)
	if err != nil {
		return nil // most likely it is empty
	}
	return u
}

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
