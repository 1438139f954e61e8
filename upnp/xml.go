package upnp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

const maxDepth = 64

var errDepth = fmt.Errorf("xml nested more than %d levels deep", maxDepth)

// toUTF8 returns a router's XML as UTF-8, whatever its declaration says: what
// isn't valid UTF-8 is taken for ISO-8859-1, the one other encoding that home
// routers speak. Control characters, which XML forbids, become blanks.
func toUTF8(b []byte) []byte {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	latin1 := !utf8.Valid(b)
	out := make([]byte, 0, len(b))
	for _, c := range b {
		switch {
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			out = append(out, ' ')
		case latin1:
			out = utf8.AppendRune(out, rune(c))
		default:
			out = append(out, c)
		}
	}
	return bytes.TrimSpace(out)
}

// newDecoder reads XML made by routers, from toUTF8: stray ampersands and unclosed
// elements are forgiven.
func newDecoder(b []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	return d
}

// checkDepth reads all tokens once, so that a decoder that recurses may follow.
func checkDepth(b []byte) error {
	d, depth := newDecoder(b), 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return errDepth
			}
		case xml.EndElement:
			depth--
		}
	}
}
