package imports

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
	"homeward/peers"
)

// Wanted is what homeward becomes by an import.
type Wanted struct {
	PrivateKey secret.Key
	Port       uint16
	V4, V6     netip.Prefix // the tunnel's networks; one of them may be missing
	Devices    []peers.Adopted
	Told       []string // what people should know of it, in sentences
}

// Check makes a server homeward's, or says all that is in the way: taken are the
// networks of this machine.
func (s Server) Check(taken []netip.Prefix, now time.Time) (Wanted, error) {
	c := &checker{server: s, now: now, keys: map[wgtypes.Key]string{}, addresses: map[netip.Addr]string{}, names: map[string]bool{}, numbered: map[string]int{}}
	c.want = Wanted{PrivateKey: s.PrivateKey, Port: s.Port, Told: slices.Clone(s.Dropped)}
	c.port()
	c.networks(taken)
	if len(s.Devices) == 0 {
		c.problems.add("the server", "it has no devices: there is nothing to import")
	}
	c.keys[s.PrivateKey.Public()] = "the server itself"
	for i, d := range s.Devices {
		c.device(i+1, d)
	}
	if !slices.ContainsFunc(s.Devices, func(d Device) bool { return d.Name != "" }) && len(s.Devices) > 0 { // as an interface that runs
		c.want.Told = append(c.want.Told, "There are no names of devices: they are called Device 1, Device 2 and so on until you give them others.")
	}
	return c.want, c.problems.orNil()
}

type checker struct {
	server    Server
	want      Wanted
	now       time.Time
	problems  Problems
	keys      map[wgtypes.Key]string // whose they are
	addresses map[netip.Addr]string
	names     map[string]bool // folded
	numbered  map[string]int  // how often a folded name was there
}

// port takes the one that the devices call: a server in a container listens on
// another one inside.
func (c *checker) port() {
	_, text, err := net.SplitHostPort(c.server.Endpoint)
	if err != nil {
		return
	}
	called, err := strconv.ParseUint(text, 10, 16)
	if err != nil || called == 0 || uint16(called) == c.server.Port {
		return
	}
	c.want.Port = uint16(called)
	c.want.Told = append(c.want.Told, fmt.Sprintf("The devices call port %d, and the old server listened on %d. homeward listens on %d; if a rule of the router leads %d to %d, remove it.",
		called, c.server.Port, called, called, c.server.Port))
}

// networks takes the server's own addresses for the tunnel's networks.
func (c *checker) networks(taken []netip.Prefix) {
	for _, own := range c.server.Addresses {
		network := &c.want.V4
		bits := 24
		if own.Addr().Is6() {
			network, bits = &c.want.V6, 64
		}
		if network.IsValid() {
			c.problems.add("the server", "it has more than one address of a family: %v", own)
			continue
		}
		if own.IsSingleIP() { // it says nothing of the others
			own = netip.PrefixFrom(own.Addr(), bits)
		}
		*network = startingAt(own)
		if first := network.Addr().Next(); own.Addr() != first {
			c.problems.add("the server", "its address is %v, and homeward's is always the first one of the network, %v", own.Addr(), first)
		}
		c.addresses[own.Addr()] = "the server itself"
		for _, t := range taken {
			if network.Overlaps(t) {
				c.problems.add("the server", "its network %v is one of this machine's own (%v): give the LAN another range, or stop the old server here first", *network, t)
				break
			}
		}
	}
	if !c.want.V4.IsValid() && !c.want.V6.IsValid() {
		c.problems.add("the server", "its own address in the tunnel is missing")
	}
}

// startingAt is the largest part of a server's network of which its address is the
// first one, which is what homeward's always is (PiVPN's IPv6 address is ::a06:1 in
// a /64); the whole network where that would leave no room.
func startingAt(own netip.Prefix) netip.Prefix {
	for bits := own.Bits(); bits <= own.Addr().BitLen()-4; bits++ {
		if p := netip.PrefixFrom(own.Addr(), bits).Masked(); p.Addr().Next() == own.Addr() {
			return p
		}
	}
	return own.Masked()
}

func (c *checker) device(number int, d Device) {
	name := c.name(number, d)
	where := "device " + short(name)
	var unusable *peers.FieldError
	if d.PublicKey == (wgtypes.Key{}) {
		c.problems.add(where, "it has no public key")
	} else if errors.As(peers.CheckPublicKey(d.PublicKey, wgtypes.Key{}), &unusable) {
		c.problems.add(where, "%s", unusable.Problem)
	} else if other, found := c.keys[d.PublicKey]; found {
		c.problems.add(where, "its public key is also that of %s", other)
	}
	c.keys[d.PublicKey] = where
	if len(d.Addresses) == 0 {
		c.problems.add(where, "it has no address of its own")
	}
	families := map[bool]bool{}
	for _, a := range d.Addresses {
		if !c.want.V4.Contains(a) && !c.want.V6.Contains(a) {
			c.problems.add(where, "its address %v is not in the tunnel's networks", a)
		}
		if other, found := c.addresses[a]; found {
			c.problems.add(where, "its address %v is also that of %s", a, other)
		}
		if families[a.Is4()] {
			c.problems.add(where, "it has more than one address of a family: %v", d.Addresses)
			break
		}
		families[a.Is4()], c.addresses[a] = true, where
	}
	created := d.Created
	if created.IsZero() || created.After(c.now) {
		created = c.now
	}
	addresses := slices.SortedFunc(slices.Values(d.Addresses), netip.Addr.Compare)
	c.want.Devices = append(c.want.Devices, peers.Adopted{
		Name: peers.Name(name), PublicKey: d.PublicKey, PresharedKey: d.PresharedKey, Addresses: addresses,
		Access: d.Access, Enabled: d.Enabled, Expires: d.Expires, Created: created,
	})
}

// name finds a name for a device that is a name here, and nobody else's.
func (c *checker) name(number int, d Device) string {
	base, err := peers.ParseName(strings.ReplaceAll(d.Name, "_", " "))
	if err != nil {
		base = peers.Name(fmt.Sprintf("Device %d", number))
	}
	name, folded := base, base.Folded()
	for c.names[name.Folded()] {
		c.numbered[folded]++
		suffix := fmt.Sprintf(" %d", c.numbered[folded]+1)
		room := 64 - len(suffix)
		name = peers.Name(string([]rune(string(base))[:min(room, len([]rune(string(base))))]) + suffix)
	}
	c.names[name.Folded()] = true
	if d.Name != "" && string(name) != d.Name {
		c.want.Told = append(c.want.Told, fmt.Sprintf("Device %q is called %q here.", short(d.Name), string(name)))
	}
	return string(name)
}
