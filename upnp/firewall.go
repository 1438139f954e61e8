package upnp

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/dcps/internetgateway2"
	"github.com/huin/goupnp/soap"
)

// firewall is UPnP's WANIPv6FirewallControl:1, by which a router lets packets from
// outside through to our own IPv6 address. Routers believe only who speaks from that
// address, so all of it goes by IPv6.
type firewall struct {
	ssdpPort uint16
	log      *slog.Logger
}

func (p *firewall) name() string { return "UPnP" }

func (p *firewall) probe(ctx context.Context, gw Gateway) (session, answer) {
	ctx, cancel := context.WithTimeout(ctx, probeBudget)
	defer cancel()
	base := pinnedTransport(gw)
	var found *firewallSession
	d := descriptions{gw: gw, port: p.ssdpPort, log: p.log, client: client(base)}
	a := d.find(ctx, func(_ ssdpAnswer, root *goupnp.RootDevice, location *url.URL) error {
		services := offered(root, location, gw.Addr, []string{internetgateway2.URN_WANIPv6FirewallControl_1})
		if len(services) == 0 {
			return fmt.Errorf("it offers no control of its IPv6 firewall: %w", errNoService)
		}
		found = &firewallSession{
			control: &internetgateway2.WANIPv6FirewallControl1{ServiceClient: goupnp.ServiceClient{
				SOAPClient: &soap.SOAPClient{EndpointURL: services[0].ControlURL.URL, HTTPClient: client(soapTransport{base})},
				RootDevice: root, Location: location, Service: services[0],
			}},
			gw: gw,
			who: Router{
				Name: routerName(root.Device.Manufacturer, root.Device.ModelName),
				Via:  "UPnP WANIPv6FirewallControl:1",
				ID:   clean(root.Device.UDN),
			},
			caller: caller{log: p.log},
		}
		return nil
	})
	if !a.ok() {
		return nil, a
	}
	return found, answer{}
}

// pinholes is IPv6's side of the mapper. UPnP comes first, other than with IPv4: it
// counts the packets that come through, and PCP looks at nothing.
func (m *Mapper) pinholes() *side {
	return &side{
		six:     true,
		gateway: m.config.Gateway6,
		protocols: []protocol{
			&firewall{ssdpPort: m.config.SSDPPort, log: m.log},
			&pcp{port: m.config.ControlPort, secret: m.config.Secret},
		},
		hearRoutes: hearRoutes6,
		tell:       m.tellIPv6,
	}
}
