package running

import (
	"errors"
	"fmt"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// names are none: the library that reads interfaces needs C on FreeBSD.
func names() ([]named, error) { return nil, nil }

func ask(string) (*wgtypes.Device, error) {
	return nil, fmt.Errorf("an interface cannot be read on FreeBSD: give its file, as in /usr/local/etc/wireguard (%w)", errors.ErrUnsupported)
}
