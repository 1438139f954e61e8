package configs

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Key is one setting: a key of the file, a variable and a flag at once.
type Key struct {
	Name    string // in the file: admin_port
	Default string // as it is written in the file, without quotes; lists as a, b
	Doc     string // what it does, in sentences; the first one says it in short
	kind    kind
	set     func(*Settings, string) error
}

// kind is how a key is written in the file.
type kind uint8

const (
	text kind = iota
	number
	boolean
	list
)

// Flag is the key's flag without dashes: admin-port.
func (k Key) Flag() string { return strings.ReplaceAll(k.Name, "_", "-") }

// Env is the key's environment variable: HOMEWARD_ADMIN_PORT.
func (k Key) Env() string { return "HOMEWARD_" + strings.ToUpper(k.Name) }

// Short says what the key does, as the help of a flag.
func (k Key) Short() string {
	first, _, _ := strings.Cut(k.Doc, ". ")
	first = strings.TrimSuffix(first, ".")
	if begin := []rune(first); len(begin) > 1 && unicode.IsLower(begin[1]) { // no abbreviation
		begin[0] = unicode.ToLower(begin[0])
		first = string(begin)
	}
	return first
}

// Bool says whether the flag may stand without a value.
func (k Key) Bool() bool { return k.kind == boolean }

// Keys lists all settings in the order of the example file.
func Keys() []Key {
	return []Key{
		{"state", "", "Folder for keys, devices and everything else that must survive. The default is /var/lib/homeward for root, else ~/.local/state/homeward.", text, setState},
		{"plane", "auto", "How packets reach the LAN: tun (a network interface, needs CAP_NET_ADMIN), netstack (rootless), or auto, which takes tun where it would work.", text,
			oneOf(func(s *Settings) *string { return &s.Plane }, "auto", "tun", "netstack")},
		{"interface", "homeward0", "Name of the network interface that the tun plane makes.", text, setInterface},
		{"port", "0", "UDP port that devices call. 0 means the one that was chosen at the first start; every code depends on it. With another number homeward goes to no other port where the router does not give this one.", number,
			port(func(s *Settings) *uint16 { return &s.Port }, 0)},
		{"endpoint", "", "Public address or DNS name of home, with or without a port, as it is written into codes. Empty means: ask the router.", text, setEndpoint},
		{"map_port", "true", "Ask the router (UPnP) to open the port, and to close it at the end.", boolean, flag(func(s *Settings) *bool { return &s.MapPort })},
		{"map_second_router", "false", "Where the router gets a private address from another box in front of it, ask that one, too. It should be yours.", boolean, flag(func(s *Settings) *bool { return &s.MapSecond })},
		{"bind", "", "Addresses on which the admin page listens. Empty means all private addresses of this machine. A public address is refused.", list, setBind},
		{"admin_port", "8377", "TCP port of the admin page.", number, port(func(s *Settings) *uint16 { return &s.AdminPort }, 1)},
		{"admin_hosts", "", "Further names by which the admin page may be opened, next to this machine's own names and addresses.", list, setAdminHosts},
		{"admin_proxies", "", "Proxies in front of the admin page, as addresses or networks. What they say of who logs in is believed (X-Forwarded-For), so that wrong passwords slow down only who typed them.", list, setProxies},
		{"plain_http", "false", "Serve the admin page without TLS. Only for use behind a proxy on this machine.", boolean, flag(func(s *Settings) *bool { return &s.PlainHTTP })},
		{"log_level", "info", "How much is logged: debug, info, warn or error.", text, setLogLevel},
		{"log_format", "text", "Form of the log: text or json.", text, oneOf(func(s *Settings) *string { return &s.LogFormat }, "text", "json")},
	}
}

func setState(s *Settings, v string) error {
	if strings.ContainsFunc(v, unicode.IsControl) {
		return errors.New("contains a control character")
	}
	if v != "" {
		s.StateDir = filepath.Clean(v)
	}
	return nil
}

func oneOf(field func(*Settings) *string, allowed ...string) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("is not one of %s", strings.Join(allowed, ", "))
		}
		*field(s) = v
		return nil
	}
}

func flag(field func(*Settings) *bool) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		b, err := strconv.ParseBool(v)
		if err != nil {
			return errors.New("is neither true nor false")
		}
		*field(s) = b
		return nil
	}
}

func port(field func(*Settings) *uint16, lowest uint64) func(*Settings, string) error {
	return func(s *Settings, v string) error {
		n, err := strconv.ParseUint(v, 10, 16)
		if err != nil || n < lowest {
			return fmt.Errorf("is not a port from %d to 65535", lowest)
		}
		*field(s) = uint16(n)
		return nil
	}
}

var interfaceName = regexp.MustCompile(`^[a-zA-Z0-9_=+.-]{1,15}$`)

func setInterface(s *Settings, v string) error {
	if !interfaceName.MatchString(v) || v == "." || v == ".." {
		return errors.New("is not a name for a network interface: use 1 to 15 letters, digits or _=+.-")
	}
	s.Interface = v
	return nil
}

func setEndpoint(s *Settings, v string) error {
	if len(v) > 300 || strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
		return errors.New("is not a host or host:port")
	}
	s.Endpoint = v
	return nil
}

func setBind(s *Settings, v string) error {
	s.Bind = nil
	for _, e := range split(v) {
		a, err := netip.ParseAddr(e)
		if err != nil || a.IsUnspecified() || a.Zone() != "" {
			return fmt.Errorf("has %q, which is not an address of this machine", e)
		}
		if !a.IsPrivate() && !a.IsLoopback() {
			return fmt.Errorf("has %v, which is public: the admin page is for the house only", a)
		}
		s.Bind = append(s.Bind, a)
	}
	return nil
}

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)

func setAdminHosts(s *Settings, v string) error {
	s.AdminHosts = nil
	for _, e := range split(v) {
		e = strings.ToLower(e)
		if _, err := netip.ParseAddr(e); err != nil && !hostName.MatchString(e) {
			return fmt.Errorf("has %q, which is not a host name", e)
		}
		s.AdminHosts = append(s.AdminHosts, e)
	}
	return nil
}

func setProxies(s *Settings, v string) error {
	s.Proxies = nil
	for _, e := range split(v) {
		p, err := netip.ParsePrefix(e)
		if a, wrong := netip.ParseAddr(e); wrong == nil {
			p, err = a.Unmap().WithZone("").Prefix(a.Unmap().BitLen())
		}
		if err != nil {
			return fmt.Errorf("has %q, which is neither an address nor a network", e)
		}
		if p.Bits() == 0 {
			return fmt.Errorf("has %v, which is everybody: anybody could pretend to be somebody else", p)
		}
		s.Proxies = append(s.Proxies, p.Masked())
	}
	return nil
}

func setLogLevel(s *Settings, v string) error {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, ok := levels[v]
	if !ok {
		return errors.New("is not one of debug, info, warn, error")
	}
	s.LogLevel = level
	return nil
}

func split(v string) []string {
	var out []string
	for _, e := range strings.Split(v, ",") {
		if e = strings.TrimSpace(e); e != "" {
			out = append(out, e)
		}
	}
	return out
}
