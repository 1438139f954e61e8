// Package qr draws texts as QR codes that a cheap phone can scan: as a picture,
// as a drawing and with a terminal's characters.
package qr

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"

	qrcode "github.com/skip2/go-qrcode"
)

// How much text goes into a code. A config with the usual values has 330 to
// 480 bytes.
//
// A code must be readable from a screen or a terminal by a cheap phone at arm's
// length, which asks for large modules, hence for few of them. Medium error
// correction (15 %) helps against glare and small damage as long as it costs
// little: up to version 17, 85 modules a side. Longer texts fall back to low
// correction (7 %). Beyond version 25, 117 modules, a module on a code of 8 cm
// is under 0.7 mm, and a terminal would need 125 columns: such a code is refused.
const (
	maxMediumBytes = 504  // version 17-M
	maxQRBytes     = 1273 // version 25-L
)

const (
	minPNGPixels    = 128
	maxPNGPixels    = 2048
	minModulePixels = 3
)

// ErrTooLong says that a text makes no code that a phone could scan.
var ErrTooLong = errors.New("the text is too long for a code that can be scanned")

// Code is a QR code, made by Of.
type Code struct {
	modules [][]bool // with its quiet zone of four modules, true for dark
}

// Of makes the code of exactly text, up to 1273 bytes, else ErrTooLong.
func Of(text []byte) (Code, error) {
	if len(text) > maxQRBytes {
		return Code{}, fmt.Errorf("%w (%d bytes, %d fit)", ErrTooLong, len(text), maxQRBytes)
	}
	level := qrcode.Medium
	if len(text) > maxMediumBytes {
		level = qrcode.Low
	}
	code, err := qrcode.New(string(text), level)
	if err != nil {
		return Code{}, fmt.Errorf("encoding a code of %d bytes: %w", len(text), err)
	}
	return Code{code.Bitmap()}, nil
}

// PNG draws the code as a square picture of px pixels, clamped to 128
// to 2048. The picture grows beyond px when the modules would be too
// small to scan.
func (c Code) PNG(px int) ([]byte, error) {
	modules := c.modules
	side := min(max(px, minPNGPixels, len(modules)*minModulePixels), maxPNGPixels)
	scale := side / len(modules)
	margin := (side - scale*len(modules)) / 2
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y, row := range modules {
		for x, dark := range row {
			if dark {
				fill(img, margin+x*scale, margin+y*scale, scale)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("encoding the picture of the code: %w", err)
	}
	return b.Bytes(), nil
}

// fill makes a square black.
func fill(img *image.Paletted, left, top, side int) {
	for y := top; y < top+side; y++ {
		row := img.Pix[img.PixOffset(left, y):]
		for x := range side {
			row[x] = 1
		}
	}
}

// SVG draws the code as a drawing that scales, black on its
// own white ground, so that a dark page cannot spoil it.
func (c Code) SVG(title string) ([]byte, error) {
	modules := c.modules
	var b bytes.Buffer
	n := len(modules)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges" role="img"><title>`, n, n)
	if err := xml.EscapeText(&b, []byte(title)); err != nil {
		return nil, fmt.Errorf("writing the title of the code: %w", err)
	}
	fmt.Fprintf(&b, `</title><rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="`, n, n)
	for y, row := range modules {
		for x := 0; x < n; x++ {
			start := x
			for x < n && row[x] {
				x++
			}
			if x > start {
				fmt.Fprintf(&b, "M%d %dh%dv1H%dz", start, y, x-start, start)
			}
		}
	}
	b.WriteString(`"/></svg>` + "\n")
	return b.Bytes(), nil
}

// Terminal draws the code with half blocks, two modules to a
// character. It sets black on white itself, from the part of the 256 colours
// that themes leave alone, so that a dark terminal shows it as well.
func (c Code) Terminal() []byte {
	return halfBlocks(c.modules, "\x1b[38;5;16;48;5;231m", "\x1b[0m", false)
}

// TerminalPlain is Terminal without colours. It takes the terminal's
// background for the dark one: light characters on a dark ground scan, and
// most phones read the reverse too.
func (c Code) TerminalPlain() []byte {
	return halfBlocks(c.modules, "", "", true)
}

// halfBlocks draws the dark modules, or with inverted the light ones.
func halfBlocks(modules [][]bool, before, after string, inverted bool) []byte {
	blocks := map[[2]bool]string{{false, false}: " ", {true, false}: "▀", {false, true}: "▄", {true, true}: "█"}
	var b bytes.Buffer
	for y := 0; y < len(modules); y += 2 {
		b.WriteString(before)
		for x := range modules[y] {
			// The number of rows is odd: below the last one it is light.
			lower := y+1 < len(modules) && modules[y+1][x]
			b.WriteString(blocks[[2]bool{modules[y][x] != inverted, lower != inverted}])
		}
		b.WriteString(after + "\n")
	}
	return b.Bytes()
}
