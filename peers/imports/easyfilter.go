package imports

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"homeward/peers"
)

// easyFilter is wg-easy's own packet filter, which it has since 15.2 and which is off
// unless somebody wants it: what it keeps a device from is not opened by an import.
type easyFilter struct {
	on    bool
	usual []string // for devices without networks of their own
}

func easyFilterOf(in map[string]any, users Table) easyFilter {
	f := easyFilter{on: in["firewall_enabled"] == int64(1)}
	for _, u := range users {
		f.usual, _ = textsOf(u["default_allowed_ips"])
	}
	return f
}

// access is what a device may reach there, in homeward's words: what its rules name, else
// what goes through its tunnel. What cannot be said here is not granted, and told.
func (f easyFilter) access(s *Server, where string, c map[string]any) peers.Access {
	if !f.on {
		return ""
	}
	rules, ok := textsOf(c["firewall_ips"])
	if ok && len(rules) == 0 {
		if rules, ok = textsOf(c["allowed_ips"]); ok && rules == nil {
			rules = f.usual
		}
	}
	if !ok {
		s.drop("%s: the rules of its firewall cannot be read. It may reach nothing until you choose what.", where)
		return peers.AccessNothing
	}
	var grants []string
	whole := map[bool]bool{} // the internet of a family, IPv6 for true
	for _, rule := range rules {
		grant, all, err := easyRule(strings.TrimSpace(rule))
		switch {
		case err != nil:
			s.drop("%s: the rule %q of its firewall is none here, and what it allows is not.", where, short(rule))
		case all.IsValid():
			whole[all.Addr().Is6()] = true
			fallthrough
		default:
			grants = append(grants, grant)
		}
	}
	access := peers.AccessNothing
	switch {
	case whole[false] && whole[true]:
		return peers.AccessEverything
	case len(grants) > 0:
		var err error
		if access, err = peers.ParseAccess(strings.Join(grants, "; ")); err != nil {
			s.drop("%s: its firewall has more rules than a device has here. It may reach nothing until you choose what.", where)
			return peers.AccessNothing
		}
	}
	s.drop("%s: it may reach what the firewall of before allows, and nothing else: %s.", where, short(string(access)))
	return access
}

// easyRule is a rule as a grant: an address or a network, with a port or without, for
// TCP, UDP or both (192.168.1.5:443/tcp, [2001:db8::1]:53). all is valid for a whole
// family without a port.
func easyRule(rule string) (grant string, all netip.Prefix, err error) {
	where, protocol := rule, ""
	for _, p := range []string{"tcp", "udp"} {
		if rest, found := strings.CutSuffix(rule, "/"+p); found {
			where, protocol = rest, p
		}
	}
	port := ""
	if rest, found := strings.CutPrefix(where, "["); found {
		where, port, _ = strings.Cut(rest, "]")
		if port, found = strings.CutPrefix(port, ":"); !found && port != "" {
			return "", all, errNoRule
		}
	} else if strings.Count(where, ":") == 1 {
		where, port, _ = strings.Cut(where, ":")
	}
	prefix, err := parsePrefix(where)
	if err != nil {
		return "", all, err
	}
	grant = prefix.Masked().String()
	if port == "" {
		if protocol != "" {
			return "", all, errNoRule
		}
		if prefix.Bits() == 0 {
			all = prefix
		}
		return grant, all, nil
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", all, errNoRule
	}
	if protocol != "" {
		return grant + " " + protocol + "/" + port, all, nil
	}
	return grant + " tcp/" + port + " udp/" + port, all, nil
}

var errNoRule = errors.New("it is no rule of wg-easy's")

// textsOf is a column with a list of texts as JSON; nil when there is none. It is not ok
// when it is something else.
func textsOf(column any) (list []string, ok bool) {
	text := textOf(column)
	if text == "" || text == "null" {
		return nil, true
	}
	list = []string{}
	return list, json.Unmarshal([]byte(text), &list) == nil
}
