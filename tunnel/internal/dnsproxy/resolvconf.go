package dnsproxy

import (
	"bufio"
	"bytes"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// resolvConf is the host's resolv.conf, read again when it changes.
type resolvConf struct {
	file string

	mu      sync.Mutex // guards what follows
	looked  time.Time
	changed time.Time
	list    []netip.AddrPort
}

// System returns the host's resolvers, as /etc/resolv.conf has them at each call.
func System() func() []netip.AddrPort { return newResolvConf("/etc/resolv.conf").resolvers }

func newResolvConf(file string) *resolvConf { return &resolvConf{file: file} }

// resolvers returns the resolvers in order; it looks at the file at most once a
// second.
func (r *resolvConf) resolvers() []netip.AddrPort {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.looked) < time.Second {
		return r.list
	}
	r.looked = time.Now()
	info, err := os.Stat(r.file)
	if err != nil || info.ModTime().Equal(r.changed) {
		return r.list // a file that is being replaced: what was read last still holds
	}
	data, err := os.ReadFile(r.file)
	if err != nil {
		return r.list
	}
	r.changed, r.list = info.ModTime(), parseResolvConf(data)
	return r.list
}

// parseResolvConf finds the nameserver lines (resolv.conf(5)).
func parseResolvConf(data []byte) []netip.AddrPort {
	var list []netip.AddrPort
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan() && len(list) < 3; {
		fields := strings.Fields(s.Text())
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(fields[1]); err == nil {
			list = append(list, netip.AddrPortFrom(a, port))
		}
	}
	return list
}
