package memory

import (
	"io/fs"
	"testing"
)

func TestTheLeastLimitHolds(t *testing.T) {
	const machine = "MemFree: 100 kB\nMemTotal:      4194304 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  Budget
	}{
		"nothing known":         {nil, Budget{0, 256 << 20}},
		"a machine":             {map[string]string{"/proc/meminfo": "MemTotal: 524288 kB\n"}, Budget{512 << 20, 256 << 20}},
		"a small one":           {map[string]string{"/proc/meminfo": "MemTotal: 65536 kB\n"}, Budget{64 << 20, 40 << 20}},
		"a large one":           {map[string]string{"/proc/meminfo": "MemTotal: 33554432 kB\n"}, Budget{32 << 30, 1 << 30}},
		"a group":               {map[string]string{"/proc/meminfo": machine, "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "268435456\n"}, Budget{256 << 20, 128 << 20}},
		"a group without":       {map[string]string{"/proc/meminfo": machine, "/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "max\n"}, Budget{4 << 30, 1 << 30}},
		"a parent's":            {map[string]string{"/proc/meminfo": machine, "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n", "/sys/fs/cgroup/a/memory.max": "536870912\n"}, Budget{512 << 20, 256 << 20}},
		"a container's own":     {map[string]string{"/proc/meminfo": machine, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n"}, Budget{512 << 20, 256 << 20}},
		"version 1":             {map[string]string{"/proc/meminfo": machine, "/proc/self/cgroup": "5:memory:/x\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n"}, Budget{512 << 20, 256 << 20}},
		"version 1, a group":    {map[string]string{"/proc/meminfo": machine, "/proc/self/cgroup": "6:cpu,cpuacct:/x\n5:memory:/a/b\n", "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "268435456\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, Budget{256 << 20, 128 << 20}},
		"version 1, a parent's": {map[string]string{"/proc/meminfo": machine, "/proc/self/cgroup": "5:hugetlb,memory:/a/b\n", "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "268435456\n"}, Budget{256 << 20, 128 << 20}},
		"another's group":       {map[string]string{"/proc/meminfo": machine, "/proc/self/cgroup": "5:cpu:/a\n", "/sys/fs/cgroup/memory/a/memory.limit_in_bytes": "268435456\n"}, Budget{4 << 30, 1 << 30}},
		"version 1 without":     {map[string]string{"/proc/meminfo": machine, "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, Budget{4 << 30, 1 << 30}},
		"nothing but no limit":  {map[string]string{"/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, Budget{0, 256 << 20}},
		"what is not a number":  {map[string]string{"/proc/meminfo": "MemTotal: many kB\n"}, Budget{0, 256 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			got := find(func(file string) ([]byte, error) {
				if text, ok := c.files[file]; ok {
					return []byte(text), nil
				}
				return nil, fs.ErrNotExist
			}, 0)
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestAServiceThatSeesNoMeminfoKnowsTheMachineStill(t *testing.T) {
	none := func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	if got := find(none, 512<<20); got != (Budget{512 << 20, 256 << 20}) {
		t.Errorf("got %+v", got)
	}
}
