package running

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
)

// sockets is where programs that are a WireGuard interface are spoken to (wg(8)).
const sockets = "/var/run/wireguard"

// names are the kernel's interfaces, and those of programs with a socket. A network
// namespace has its own interfaces, and the folder is everybody's: whose interface is
// not here is another one's.
func names() ([]named, error) {
	links, err := netlink.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // it has what it read
		return nil, fmt.Errorf("listing the network interfaces: %w", err)
	}
	var list []named
	others := map[string]bool{}
	for _, l := range links {
		if name := l.Attrs().Name; l.Type() == "wireguard" {
			list = append(list, named{name, Kernel})
		} else {
			others[name] = true
		}
	}
	entries, err := os.ReadDir(sockets)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return list, fmt.Errorf("looking for the sockets of programs: %w", err)
	}
	for _, e := range entries {
		if name, is := strings.CutSuffix(e.Name(), ".sock"); is && others[name] && e.Type() == fs.ModeSocket {
			list = append(list, named{name, Program})
		}
	}
	return list, nil
}
