package hostnet

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAContainersOwnNetworkIsSeen(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  bool
	}{
		{"Docker's bridge", map[string]string{".dockerenv": "", "sys/class/net/eth0/ifindex": "2\n", "sys/class/net/eth0/iflink": "17\n"}, true},
		{"Podman's bridge", map[string]string{"run/.containerenv": "", "sys/class/net/eth0/ifindex": "2\n", "sys/class/net/eth0/iflink": "9\n"}, true},
		{"Docker on the host's network", map[string]string{".dockerenv": "", "sys/class/net/eth0/ifindex": "2\n", "sys/class/net/eth0/iflink": "2\n"}, false},
		{"no container", map[string]string{"sys/class/net/eth0/ifindex": "2\n", "sys/class/net/eth0/iflink": "17\n"}, false},
	} {
		root := t.TempDir()
		for name, text := range c.files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := InContainersNetwork(root, "eth0"); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
