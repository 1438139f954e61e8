//go:build !linux && !freebsd

package running

import (
	"errors"

	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// names are those that the library finds, which reads them all for it.
func names() ([]named, error) {
	client, err := wgctrl.New()
	if err != nil {
		return nil, errors.New("the WireGuard interfaces cannot be listed")
	}
	defer client.Close()
	devices, err := client.Devices()
	if err != nil { // which may say what was read
		return nil, errors.New("the WireGuard interfaces cannot be listed")
	}
	var list []named
	for _, d := range devices {
		kind := Kernel
		if d.Type == wgtypes.Userspace {
			kind = Program
		}
		list = append(list, named{d.Name, kind})
	}
	return list, nil
}
