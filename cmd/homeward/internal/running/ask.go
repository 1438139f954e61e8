//go:build !freebsd

package running

import (
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// ask reads one interface. The library is opened only for one that is there: in the
// kernel it looks for the module, which loads it where there is none.
func ask(name string) (*wgtypes.Device, error) {
	client, err := wgctrl.New()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Device(name)
}
