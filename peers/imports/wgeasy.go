package imports

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// easy14 is the wg0.json of wg-easy up to version 14.
type easy14 struct {
	Server struct {
		PrivateKey string `json:"privateKey"`
		Address    string `json:"address"`
	} `json:"server"`
	Clients map[string]struct {
		Name         string    `json:"name"`
		Address      string    `json:"address"`
		PublicKey    string    `json:"publicKey"`
		PreSharedKey string    `json:"preSharedKey"`
		CreatedAt    easyTime  `json:"createdAt"`
		ExpiredAt    *easyTime `json:"expiredAt"`
		Enabled      *bool     `json:"enabled"`
	} `json:"clients"`
}

// easyTime is a time in one of the forms that wg-easy writes; what is none is no
// time, since nothing depends on it but an end.
type easyTime struct{ time.Time }

func (t *easyTime) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil || s == "" {
		return nil
	}
	var err error
	t.Time, err = parseEasyTime(s)
	return err
}

func parseEasyTime(s string) (time.Time, error) {
	for _, form := range []string{time.RFC3339Nano, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", short(s))
}

// easyPort is what wg-easy listens on when nothing else is said.
const easyPort = 51820

// Easy14 reads the wg0.json of wg-easy up to version 14. The port is not in it: conf
// is the wg0.conf beside it, or nil.
func Easy14(file string, text, conf []byte) (Server, error) {
	file = short(file)
	s := Server{Kind: "wg-easy (14 or older)"}
	var problems Problems
	var in easy14
	if len(text) > MaxFile {
		problems.add(file, "it has %d MiB: that is no wg-easy's", len(text)>>20)
		return Server{}, problems
	}
	if err := json.Unmarshal(text, &in); err != nil {
		problems.add(file, "it cannot be read: %v", err)
		return Server{}, problems
	}
	if k := parseKey(file, "server's private key", in.Server.PrivateKey, &problems); k != (wgtypes.Key{}) {
		s.PrivateKey = secret.NewKey(k)
	}
	if a, err := netip.ParseAddr(in.Server.Address); err != nil || !a.Is4() {
		problems.add(file, "the server's address %q is none", short(in.Server.Address))
	} else {
		s.Addresses = []netip.Prefix{netip.PrefixFrom(a, 24)}
	}
	if len(in.Clients) > MaxDevices {
		problems.add(file, "more than %d devices", MaxDevices)
		return Server{}, problems
	}
	for id, c := range in.Clients {
		where := fmt.Sprintf("%s, device %s", file, short(cmp.Or(c.Name, id)))
		d := Device{Name: c.Name, Enabled: c.Enabled == nil || *c.Enabled, Created: c.CreatedAt.Time}
		if c.ExpiredAt != nil {
			d.Expires = c.ExpiredAt.Time
		}
		d.PublicKey = parseKey(where, "public key", c.PublicKey, &problems)
		if c.PreSharedKey != "" {
			if k := parseKey(where, "preshared key", c.PreSharedKey, &problems); k != (wgtypes.Key{}) {
				d.PresharedKey = secret.NewKey(k)
			}
		}
		s.takeAllowed(&d, where, c.Address, &problems)
		s.Devices = append(s.Devices, d)
	}
	s.Port = easyPort
	if conf == nil {
		s.drop("%s: the port is in the wg0.conf beside it, which is not here: %d is taken for it.", file, easyPort)
	} else {
		c, err := Conf("wg0.conf", conf)
		var wrong Problems
		if errors.As(err, &wrong) {
			problems = append(problems, wrong...)
		}
		s.Port = c.Port
		s.Dropped = append(s.Dropped, c.Dropped...)
	}
	s.sort()
	return s, problems.orNil()
}

// Table is a table of a database: its rows by column.
type Table []map[string]any

// Easy15 reads the database of wg-easy from version 15 on, of which these tables
// matter: interfaces_table, clients_table, user_configs_table and hooks_table, the
// latter two if they are there.
func Easy15(file string, tables map[string]Table) (Server, error) {
	file = short(file)
	s := Server{Kind: "wg-easy (15 or newer)"}
	var problems Problems
	interfaces := tables["interfaces_table"]
	if len(interfaces) != 1 {
		problems.add(file, "it has %d interfaces, and homeward is one", len(interfaces))
		return Server{}, problems
	}
	in := interfaces[0]
	where := file + ", interface " + short(textOf(in["name"]))
	if k := parseKey(where, "private key", textOf(in["private_key"]), &problems); k != (wgtypes.Key{}) {
		s.PrivateKey = secret.NewKey(k)
	}
	if port, ok := in["port"].(int64); ok && port > 0 && port < 65536 {
		s.Port = uint16(port)
	} else {
		problems.add(where, "the port %q is none", short(fmt.Sprint(in["port"])))
	}
	for _, column := range []string{"ipv4_cidr", "ipv6_cidr"} {
		text := textOf(in[column])
		if text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			problems.add(where, "%q is no network", short(text))
			continue
		}
		// It is the network; the server is its first host.
		s.Addresses = append(s.Addresses, netip.PrefixFrom(p.Masked().Addr().Next(), p.Bits()))
	}
	for _, c := range tables["user_configs_table"] {
		if host := textOf(c["host"]); host != "" {
			s.Endpoint = short(host)
			if port, ok := c["port"].(int64); ok {
				s.Endpoint = fmt.Sprintf("%s:%d", s.Endpoint, port)
			}
		}
	}
	s.dropHooks(file, tables["hooks_table"])
	clients := tables["clients_table"]
	if len(clients) > MaxDevices {
		problems.add(file, "more than %d devices", MaxDevices)
		return Server{}, problems
	}
	filter := easyFilterOf(in, tables["user_configs_table"])
	for _, c := range clients {
		d := s.easy15Device(file, c, &problems)
		d.Access = filter.access(&s, fmt.Sprintf("%s, device %s", file, short(d.Name)), c)
		s.Devices = append(s.Devices, d)
	}
	s.sort()
	return s, problems.orNil()
}

func (s *Server) easy15Device(file string, c map[string]any, problems *Problems) Device {
	d := Device{Name: textOf(c["name"])}
	where := fmt.Sprintf("%s, device %s", file, short(d.Name))
	enabled, _ := c["enabled"].(int64)
	d.Enabled = enabled == 1
	d.PublicKey = parseKey(where, "public key", textOf(c["public_key"]), problems)
	if text := textOf(c["pre_shared_key"]); text != "" {
		if k := parseKey(where, "preshared key", text, problems); k != (wgtypes.Key{}) {
			d.PresharedKey = secret.NewKey(k)
		}
	}
	for column, into := range map[string]*time.Time{"expires_at": &d.Expires, "created_at": &d.Created} {
		text := textOf(c[column])
		if text == "" {
			continue
		}
		t, err := parseEasyTime(text)
		if err != nil && column == "expires_at" { // a wrong end would let in for ever
			problems.add(where, "its end %v", err)
		}
		*into = t
	}
	for _, column := range []string{"ipv4_address", "ipv6_address"} {
		s.takeAllowed(&d, where, textOf(c[column]), problems)
	}
	var behind []string
	if json.Unmarshal([]byte(textOf(c["server_allowed_ips"])), &behind) == nil {
		for _, network := range behind {
			s.drop("%s: the network %s behind this device is not reached any more.", where, short(network))
		}
	}
	s.dropHooks(where, Table{c})
	return d
}

func (s *Server) dropHooks(where string, rows Table) {
	for _, row := range rows {
		for _, column := range []string{"pre_up", "post_up", "pre_down", "post_down"} {
			if text := textOf(row[column]); text != "" {
				s.drop("%s: the command %q is not run.", where, short(text))
			}
		}
	}
}

// sort makes the order of the devices the same every time: by address.
func (s *Server) sort() {
	slices.SortFunc(s.Devices, func(a, b Device) int {
		return cmp.Or(slices.CompareFunc(a.Addresses, b.Addresses, netip.Addr.Compare), strings.Compare(a.Name, b.Name))
	})
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}
