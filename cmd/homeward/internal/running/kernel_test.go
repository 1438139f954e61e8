package running

import (
	"context"
	"fmt"
)

// How the end-to-end tests run this package's tests in a machine whose kernel has
// WireGuard, as this one's may not have.
const (
	marked     = "HOMEWARD_TEST_RUNNING"
	withKernel = "with a kernel that has WireGuard"
)

// readTheKernels tells what runs there, and the first one as its file.
func readTheKernels() {
	m := New("homeward0")
	list, err := m.List(context.Background())
	fmt.Printf("runs: %+v, %v\n", list, err)
	for _, i := range list {
		conf, err := m.Conf(context.Background(), i.Name)
		fmt.Printf("%s, %v\n", conf, err)
	}
}
