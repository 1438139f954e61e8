package upnp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/dcps/internetgateway2"
)

const maxServices = 64

var errNoService = errors.New("not a device for us")

// serviceOrder ranks the services that map ports, best first.
var serviceOrder = []string{
	internetgateway2.URN_WANIPConnection_2,
	internetgateway2.URN_WANIPConnection_1,
	internetgateway2.URN_WANPPPConnection_1,
	dslForumIP,
	dslForumPPP,
}

// Services of routers from before UPnP had its own names for them (some Huawei). They
// speak like those of today.
const (
	dslForumIP  = "urn:dslforum-org:service:WANIPConnection:1"
	dslForumPPP = "urn:dslforum-org:service:WANPPPConnection:1"
)

// fetchDescription gets the device description at a pinned location.
func fetchDescription(ctx context.Context, c *http.Client, location *url.URL) (*goupnp.RootDevice, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching the router's description: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching the router's description: HTTP status %d", resp.StatusCode)
	}
	body, err := readBody(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("fetching the router's description: %w", err)
	}
	return parseDescription(body)
}

// parseDescription reads a device description (UDA 1.1, section 2.3).
func parseDescription(body []byte) (*goupnp.RootDevice, error) {
	body = toUTF8(body)
	if err := checkDepth(body); err != nil {
		return nil, fmt.Errorf("reading the router's description: %w", err)
	}
	d := newDecoder(body)
	d.DefaultSpace = goupnp.DeviceXMLNamespace
	root := new(goupnp.RootDevice)
	if err := d.Decode(root); err != nil {
		return nil, fmt.Errorf("reading the router's description: %w", err)
	}
	return root, nil
}

// offered returns the services of the wanted types, in their order, each with its
// control URL on the gateway. What a service says besides is not used.
func offered(root *goupnp.RootDevice, location *url.URL, gw netip.Addr, types []string) []*goupnp.Service {
	var found []*goupnp.Service
	n := 0
	root.Device.VisitServices(func(s *goupnp.Service) {
		if n++; n > maxServices {
			return
		}
		s.ServiceType = strings.TrimSpace(s.ServiceType)
		if !slices.Contains(types, s.ServiceType) {
			return
		}
		u, err := controlURL(location, root.URLBaseStr, s.ControlURL.Str, gw)
		if err != nil {
			return
		}
		s.ControlURL.URL, s.ControlURL.Ok = *u, true
		found = append(found, s)
	})
	slices.SortStableFunc(found, func(a, b *goupnp.Service) int {
		return slices.Index(types, a.ServiceType) - slices.Index(types, b.ServiceType)
	})
	return found
}

// controlURL resolves a service's control URL. Host and port are those of the
// description's location, unless URLBase or the control URL itself name the
// gateway with another port; another host is never taken over, only path and query.
func controlURL(location *url.URL, base, control string, gw netip.Addr) (*url.URL, error) {
	from := location
	if b, err := pinnedURL(strings.TrimSpace(base), gw); err == nil {
		from = b
	}
	control = strings.TrimSpace(control)
	if control == "" {
		return nil, errors.New("reading the control address: it is empty")
	}
	ref, err := url.Parse(control)
	if err != nil {
		return nil, fmt.Errorf("reading the control address %q: it isn't a URL", clean(control))
	}
	if ref.IsAbs() {
		if u, err := pinnedURL(control, gw); err == nil {
			return u, nil
		}
	}
	path := ref.EscapedPath()
	if !strings.HasPrefix(path, "/") && !ref.IsAbs() && ref.Host == "" && ref.Opaque == "" {
		// Relative to the root, as goupnp and most routers' makers read it.
		path = "/" + path
	}
	u := &url.URL{Scheme: "http", Host: from.Host, RawQuery: ref.RawQuery}
	if u.Path, err = url.PathUnescape(path); err != nil {
		return nil, fmt.Errorf("reading the control address %q: it isn't a URL", clean(control))
	}
	u.RawPath = path
	return u, nil
}
