package tunnel

import (
	"bufio"
	"fmt"
	"io"
	"syscall"
)

// answerUAPI speaks the cross-platform control protocol on one connection,
// until it ends: get is answered by get, set is read and not permitted.
func answerUAPI(c io.ReadWriter, get func(io.Writer) error) {
	r := bufio.NewScanner(c)
	for r.Scan() {
		op, ok := r.Text(), false
		for r.Scan() { // the operation's lines, up to an empty one
			if ok = r.Text() == ""; ok {
				break
			}
		}
		if !ok {
			return
		}
		code := -int64(syscall.EPERM)
		if op == "get=1" {
			if get(c) != nil {
				return
			}
			code = 0
		}
		if _, err := fmt.Fprintf(c, "errno=%d\n\n", code); err != nil {
			return
		}
	}
}
