package peers

import (
	"net"
	"net/netip"
	"strconv"
)

// EndpointSource says who an endpoint comes from.
type EndpointSource string

// The sources of an endpoint.
const (
	EndpointOperator EndpointSource = "operator" // the operator's file
	EndpointRouter   EndpointSource = "router"   // the router's mapping and external address
)

// Endpoint is where clients find home: the host and UDP port in their configs.
type Endpoint struct {
	Host     string // DNS name or IP literal without brackets, as checked by ParseEndpoint
	Port     uint16
	Source   EndpointSource
	Warnings []string // sentences for the operator, such as that the address works only at home
}

// String renders host:port, with brackets around an IPv6 address.
func (e Endpoint) String() string {
	return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

// ParseEndpoint TODO.
func ParseEndpoint(s string, defaultPort uint16) (Endpoint, error) {
	return Endpoint{Host: s, Port: defaultPort, Source: EndpointOperator}, nil
}

// NewEndpoint TODO.
func NewEndpoint(ap netip.AddrPort, source EndpointSource) (Endpoint, error) {
	return Endpoint{Host: ap.Addr().String(), Port: ap.Port(), Source: source}, nil
}
