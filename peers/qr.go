package peers

import (
	"errors"
	"fmt"

	"homeward/peers/qr"
)

// QRPNG draws the code of exactly Text as a square picture of px pixels,
// clamped to 128 to 2048. The picture grows beyond px when the modules would
// be too small to scan.
func (c ClientConfig) QRPNG(px int) ([]byte, error) {
	code, err := c.code()
	if err != nil {
		return nil, err
	}
	return code.PNG(px)
}

// QRSVG draws the code of exactly Text as a drawing that scales, black on its
// own white ground, so that a dark page cannot spoil it.
func (c ClientConfig) QRSVG() ([]byte, error) {
	code, err := c.code()
	if err != nil {
		return nil, err
	}
	return code.SVG("WireGuard code for " + string(c.Name))
}

// QRTerminal draws the code of exactly Text for a terminal with 256 colours.
func (c ClientConfig) QRTerminal() ([]byte, error) {
	code, err := c.code()
	if err != nil {
		return nil, err
	}
	return code.Terminal(), nil
}

// QRTerminalPlain is QRTerminal without colours.
func (c ClientConfig) QRTerminalPlain() ([]byte, error) {
	code, err := c.code()
	if err != nil {
		return nil, err
	}
	return code.TerminalPlain(), nil
}

func (c ClientConfig) code() (qr.Code, error) {
	if c.PrivateKey.IsZero() {
		return qr.Code{}, ErrNoPrivateKey
	}
	text, err := c.Text()
	if err != nil {
		return qr.Code{}, err
	}
	code, err := qr.Of(text)
	if errors.Is(err, qr.ErrTooLong) {
		return qr.Code{}, fmt.Errorf("%w (%d bytes)", ErrTooLong, len(text))
	}
	if err != nil {
		return qr.Code{}, fmt.Errorf("drawing the code of device %d: %w", c.ID, err)
	}
	return code, nil
}
