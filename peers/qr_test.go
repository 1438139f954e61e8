package peers_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"homeward/peers"
	"homeward/peers/qr"
)

// lengthClasses are configs from the shortest to the longest code that we draw.
func lengthClasses() map[string]peers.ClientConfig {
	short, medium, low, longest := sampleClient(), sampleClient(), sampleClient(), sampleClient()
	short.DNS, short.MTU = nil, 0
	for i := range 5 {
		medium.AllowedIPs = append(medium.AllowedIPs, netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(i), 0}), 24))
	}
	for i := range 12 {
		low.AllowedIPs = append(low.AllowedIPs, netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(i), 0}), 24))
	}
	for i := range 58 {
		longest.AllowedIPs = append(longest.AllowedIPs, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i), 0}), 24))
	}
	return map[string]peers.ClientConfig{"short": short, "usual": sampleClient(), "medium": medium, "low": low, "longest": longest}
}

func TestPhonesReadTheVeryBytesOfTheFile(t *testing.T) {
	if _, err := exec.LookPath("zbarimg"); err != nil {
		t.Skip("zbarimg is not installed (Debian: zbar-tools)")
	}
	for what, c := range lengthClasses() {
		text := mustText(t, c)
		for _, px := range []int{1, 320, 777, 5000} {
			picture, err := c.QRPNG(px)
			if err != nil {
				t.Fatalf("%s (%d bytes): %v", what, len(text), err)
			}
			if got := scan(t, picture); !bytes.Equal(got, text) {
				t.Errorf("%s (%d bytes) at %d px is read as %q", what, len(text), px, got)
			}
		}
	}
}

// TestEveryVersionOfACodeIsRead goes through all sizes that a code can have, each drawn
// as small as we do, with as many bytes as the size holds.
func TestEveryVersionOfACodeIsRead(t *testing.T) {
	if _, err := exec.LookPath("zbarimg"); err != nil {
		t.Skip("zbarimg is not installed (Debian: zbar-tools)")
	}
	type size struct {
		pixels int
		low    bool // error correction
	}
	type drawn struct {
		text    string
		picture []byte
	}
	fullest := map[size]drawn{}
	for n := 200; ; n += 9 { // configs are longer than that
		text := strings.Repeat("0123456789abcdef=\n", n)[:n]
		code, err := qr.Of([]byte(text))
		if errors.Is(err, qr.ErrTooLong) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		picture, err := code.PNG(1)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.DecodeConfig(bytes.NewReader(picture))
		if err != nil {
			t.Fatal(err)
		}
		fullest[size{img.Width, n > 504}] = drawn{text, picture}
	}
	if len(fullest) < 15 { // versions 10 to 17 with medium correction, and up to 25 with low
		t.Errorf("only %d sizes", len(fullest))
	}
	for s, d := range fullest {
		if got := scan(t, d.picture); string(got) != d.text {
			t.Errorf("a code of %d pixels with %d bytes is read as %.80q", s.pixels, len(d.text), got)
		}
	}
	t.Logf("%d sizes", len(fullest))
}

// scan decodes a picture as a phone would.
func scan(t *testing.T, picture []byte) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "code.png")
	if err := os.WriteFile(file, picture, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "zbarimg", "--raw", "-q", "-Sdisable", "-Sqrcode.enable", file)
	got, err := cmd.Output()
	if err != nil {
		t.Errorf("zbarimg: %v", err)
		return nil
	}
	return bytes.TrimSuffix(got, []byte("\n")) // its own
}

func TestPNGHasTheSizeAskedFor(t *testing.T) {
	for _, test := range []struct{ px, want int }{{320, 320}, {1000, 1000}, {2048, 2048}, {9999, 2048}} {
		picture, err := sampleClient().QRPNG(test.px)
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := png.DecodeConfig(bytes.NewReader(picture))
		if err != nil || cfg.Width != test.want || cfg.Height != test.want {
			t.Errorf("asked for %d px, got %d×%d (%v)", test.px, cfg.Width, cfg.Height, err)
		}
	}
	for _, px := range []int{-5, 0, 128} {
		picture, err := sampleClient().QRPNG(px)
		if err != nil {
			t.Fatal(err)
		}
		// 73 modules and a quiet zone of 4 on both sides, 3 px each.
		if cfg, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil || cfg.Width < 128 || cfg.Width > 300 {
			t.Errorf("asked for %d px, got %d (%v); want the smallest that scans", px, cfg.Width, err)
		}
	}
}

func TestAllPicturesShowTheSameModules(t *testing.T) {
	for what, c := range lengthClasses() {
		picture, err := c.QRPNG(2048)
		if err != nil {
			t.Fatal(err)
		}
		svg, err := c.QRSVG()
		if err != nil {
			t.Fatal(err)
		}
		coloured, err := c.QRTerminal()
		if err != nil {
			t.Fatal(err)
		}
		plain, err := c.QRTerminalPlain()
		if err != nil {
			t.Fatal(err)
		}
		want := modulesOfSVG(t, svg)
		requireQuietZone(t, what, want)
		if got := modulesOfTerminal(t, coloured, "\x1b[38;5;16;48;5;231m", "\x1b[0m", false); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the terminal's code differs from the SVG's", what)
		}
		if got := modulesOfTerminal(t, plain, "", "", true); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the plain terminal's code differs from the SVG's", what)
		}
		if got := modulesOfPNG(t, picture, len(want)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the PNG's code differs from the SVG's", what)
		}
	}
}

func requireQuietZone(t *testing.T, what string, modules [][]bool) {
	t.Helper()
	n := len(modules)
	for y, row := range modules {
		for x, dark := range row {
			if dark && (x < 4 || y < 4 || x >= n-4 || y >= n-4) {
				t.Fatalf("%s: the quiet zone is dark at %d, %d", what, x, y)
			}
		}
	}
	if !modules[4][4] {
		t.Errorf("%s: no finder pattern where the quiet zone ends", what)
	}
}

func square(n int) [][]bool {
	modules := make([][]bool, n)
	for y := range modules {
		modules[y] = make([]bool, n)
	}
	return modules
}

var svgRun = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1H(\d+)z`)

func modulesOfSVG(t *testing.T, svg []byte) [][]bool {
	t.Helper()
	var drawing struct {
		ViewBox string `xml:"viewBox,attr"`
		Path    struct {
			D string `xml:"d,attr"`
		} `xml:"path"`
	}
	if err := xml.Unmarshal(svg, &drawing); err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscanf(drawing.ViewBox, "0 0 %d %d", &n, &n); err != nil {
		t.Fatal(err)
	}
	if rest := svgRun.ReplaceAllString(drawing.Path.D, ""); rest != "" {
		t.Fatalf("path has more than runs: %.40q", rest)
	}
	modules := square(n)
	for _, m := range svgRun.FindAllStringSubmatch(drawing.Path.D, -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		width, _ := strconv.Atoi(m[3])
		if m[1] != m[4] {
			t.Fatalf("run %q does not come back to its start", m[0])
		}
		for i := range width {
			modules[y][x+i] = true
		}
	}
	return modules
}

func modulesOfTerminal(t *testing.T, text []byte, before, after string, inverted bool) [][]bool {
	t.Helper()
	var modules [][]bool
	for line := range strings.Lines(string(text)) {
		line, okBefore := strings.CutPrefix(line, before)
		line, okAfter := strings.CutSuffix(line, after+"\n")
		if !okBefore || !okAfter {
			t.Fatalf("line %q", line)
		}
		var upper, lower []bool
		for _, r := range line {
			upper = append(upper, (r == '▀' || r == '█') != inverted)
			lower = append(lower, (r == '▄' || r == '█') != inverted)
		}
		modules = append(modules, upper, lower)
	}
	return modules[:len(modules)-1] // an odd number of rows
}

func modulesOfPNG(t *testing.T, picture []byte, n int) [][]bool {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	side := img.Bounds().Dx()
	scale := side / n
	margin := (side - scale*n) / 2
	modules := square(n)
	for y := range n {
		for x := range n {
			modules[y][x] = isBlack(img, margin+x*scale+scale/2, margin+y*scale+scale/2)
		}
	}
	return modules
}

func isBlack(img image.Image, x, y int) bool {
	return color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y == 0
}

func TestTooLongForAPhoneIsSaid(t *testing.T) {
	c := sampleClient()
	for i := range 100 {
		c.AllowedIPs = append(c.AllowedIPs, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i), 0}), 24))
	}
	if _, err := c.Text(); err != nil {
		t.Errorf("the file is refused: %v", err)
	}
	for what, err := range map[string]error{
		"PNG": second(c.QRPNG(300)), "SVG": second(c.QRSVG()), "terminal": second(c.QRTerminal()),
	} {
		if !errors.Is(err, peers.ErrTooLong) {
			t.Errorf("%s: error = %v, want ErrTooLong", what, err)
		}
	}
}

func TestSVGIsInertAndReadable(t *testing.T) {
	c := sampleClient()
	c.Name = `</title><script>alert("1")</script>&`
	svg, err := c.QRSVG()
	if err != nil {
		t.Fatal(err)
	}
	elements := make(map[string]int)
	title := ""
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			elements[token.Name.Local]++
		case xml.CharData:
			title += string(token)
		}
	}
	if !reflect.DeepEqual(elements, map[string]int{"svg": 1, "title": 1, "rect": 1, "path": 1}) {
		t.Errorf("elements = %v", elements)
	}
	if want := "WireGuard code for " + string(c.Name); strings.TrimSpace(title) != want {
		t.Errorf("title = %q, want %q", title, want)
	}
}
