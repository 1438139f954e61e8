//go:build linux

package labnet

// Addresses of the lab. The public ones are none for documentation: miniupnpd
// takes those for private ones. They never leave the namespaces.
const (
	RouterWAN  = "81.2.69.2"
	RouterWAN6 = "2a01:5ead:69::2"
	RouterLAN  = "192.168.77.1"
	RouterLAN6 = "2a01:5ead:77::1"

	// Hosts at home have a private IPv6 address and a public one.
	NAS4        = "192.168.77.10"
	NAS6        = "fd77::10"
	NASPublic6  = "2a01:5ead:77::10"
	Share4      = "192.168.77.20"
	Share6      = "fd77::20"
	Laptop4     = "192.168.77.30"
	Laptop6     = "fd77::30"
	LANPrefix4  = "192.168.77.0/24"
	LANPrefix6  = "fd77::/64"
	LANPublic6  = "2a01:5ead:77::/64"
	Phone4      = "81.2.70.5"
	Phone6      = "2a01:5ead:70::5"
	Internet4   = "81.2.68.10"
	Internet6   = "2a01:5ead:68::10"
	carrierSide = "81.2.68.1" // the provider's own public address

	// ShareName is known to the router's DNS.
	ShareName = "share.home.lan"
)
