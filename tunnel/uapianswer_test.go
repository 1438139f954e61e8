package tunnel

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestTheControlSocketLetsOneOnlyLook(t *testing.T) {
	get := func(w io.Writer) error { _, err := io.WriteString(w, "listen_port=7\n"); return err }
	for _, c := range []struct{ name, in, want string }{
		{"get", "get=1\n\n", "listen_port=7\nerrno=0\n\n"},
		{"get twice", "get=1\n\nget=1\n\n", "listen_port=7\nerrno=0\n\nlisten_port=7\nerrno=0\n\n"},
		{"set", "set=1\nreplace_peers=true\n\n", "errno=-1\n\n"},
		{"set and get", "set=1\nlisten_port=9\n\nget=1\n\n", "errno=-1\n\nlisten_port=7\nerrno=0\n\n"},
		{"something else", "frob=1\n\n", "errno=-1\n\n"},
		{"cut off", "set=1\nlisten_port=9\n", ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			answerUAPI(struct {
				io.Reader
				io.Writer
			}{strings.NewReader(c.in), &out}, get)
			if out.String() != c.want {
				t.Errorf("answered %q, want %q", out.String(), c.want)
			}
		})
	}
}
