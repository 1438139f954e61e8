package hostnet

import (
	"os"
	"path/filepath"
	"strings"
)

// InContainersNetwork says whether this is a container with a network of its
// own: its way out is one end of a pair (veth), whose other end is the host's.
// root is that of the file system, "/" outside of tests.
func InContainersNetwork(root, uplink string) bool {
	marked := false
	for _, sign := range []string{".dockerenv", "run/.containerenv"} {
		if _, err := os.Stat(filepath.Join(root, sign)); err == nil {
			marked = true
		}
	}
	if !marked || uplink == "" {
		return false
	}
	dir := filepath.Join(root, "sys/class/net", uplink)
	own, err := os.ReadFile(filepath.Join(dir, "ifindex"))
	if err != nil {
		return false
	}
	peer, err := os.ReadFile(filepath.Join(dir, "iflink"))
	return err == nil && strings.TrimSpace(string(own)) != strings.TrimSpace(string(peer))
}
