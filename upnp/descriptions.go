package upnp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/huin/goupnp"
)

// descriptions searches the gateway's UPnP devices.
type descriptions struct {
	gw     Gateway
	port   uint16 // of the search
	log    *slog.Logger
	client http.Client
	others *otherRouters // may be nil
}

// find reads the descriptions that the gateway's answers lead to, until take
// returns nil for one.
func (d *descriptions) find(ctx context.Context, take func(ssdpAnswer, *goupnp.RootDevice, *url.URL) error) answer {
	var (
		taken   bool
		problem answer
		tried   int
	)
	s := searcher{gw: d.gw, port: d.port, log: d.log, others: d.others}
	heard, err := s.search(ctx, func(a ssdpAnswer, location *url.URL) bool {
		if tried++; tried > maxDevices {
			return true
		}
		root, err := fetchDescription(ctx, &d.client, location)
		if err == nil {
			err = take(a, root, location)
			taken = err == nil
		}
		if err != nil {
			d.log.Debug("passing over a UPnP device", "gateway", d.gw.Addr, "location", location.String(), "err", err)
			problem = answer{outcome: broken, problem: err.Error()}
			if errors.Is(err, errNoService) {
				problem.outcome = unsupported
			}
		}
		return taken
	})
	switch {
	case taken:
		return answer{}
	case problem.outcome != done:
		return problem
	case heard:
		return answer{outcome: unsupported, problem: "UPnP answers name no address on the gateway"}
	case err != nil:
		return answer{outcome: silent, problem: err.Error()}
	}
	return answer{outcome: silent, problem: "no answer to the UPnP search"}
}
