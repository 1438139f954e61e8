//go:build linux && amd64

package e2e

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/scripts/kernelpeer"
	"homeward/scripts/kernelpeer/task"
	"homeward/scripts/labnet"
)

// An import reads an interface of the kernel as it reads a program's. It is tried in a
// machine that has one.
func TestAnInterfaceOfTheKernelIsReadForAnImport(t *testing.T) {
	t.Parallel()
	lab := labnet.Bare(t)
	labnet.NeedPrograms(t, "qemu-system-x86_64:qemu-system-x86")
	if _, err := os.Stat(kernelDir); err != nil {
		t.Skipf("needs Debian's kernel in %s: run scripts/test as root", kernelDir)
	}
	reader := filepath.Join(lab.Dir, "reader")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-race=false", "-o", reader, "homeward/cmd/homeward/internal/running")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	machine, err := kernelpeer.New(t.Context(), lab.NewHost("machine"), lab.Dir, kernelDir)
	if err != nil {
		t.Fatal(err)
	}
	var keys [3]wgtypes.Key
	for i := range keys {
		if keys[i], err = wgtypes.GeneratePrivateKey(); err != nil {
			t.Fatal(err)
		}
	}
	device := keys[1].PublicKey()
	r, err := boot(t, machine, task.Task{
		PrivateKey: keys[0].String(), PublicKey: device.String(), PresharedKey: keys[2].String(), ListenPort: 51821, MTU: 1420,
		Inner: []netip.Prefix{netip.MustParsePrefix("10.66.0.1/24")}, AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.66.0.2/32")},
		Program: task.Program{File: reader, Env: []string{"HOMEWARD_TEST_RUNNING=with a kernel that has WireGuard"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"runs: [{Name:wg0 Kind:kernel Port:51821 Devices:1 Err:<nil>}], <nil>",
		"ListenPort = 51821", "Address = 10.66.0.1/24", "AllowedIPs = 10.66.0.2/32",
		"PrivateKey = " + keys[0].String(), "PublicKey = " + device.String(), "PresharedKey = " + keys[2].String(),
	} {
		if !strings.Contains(r.Said, want) {
			t.Errorf("%q is missing in what the reader said:\n%s", want, r.Said)
		}
	}
}
