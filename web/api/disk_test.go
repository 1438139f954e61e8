package api

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

type coded int

func (c coded) Error() string { return fmt.Sprintf("code %d", c) }
func (c coded) Code() int     { return int(c) }

func TestTheDisksTroubleIsNamed(t *testing.T) {
	for _, c := range []struct {
		err  error
		want DiskTrouble
	}{
		{nil, ""},
		{errors.New("other"), ""},
		{coded(19), ""}, // a constraint
		{fmt.Errorf("storing: %w", coded(13)), DiskFull},
		{coded(8 | 4<<8), DiskReadOnly},
		{coded(10 | 3<<8), DiskFailing},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, DiskFull},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}, DiskReadOnly},
		{&fs.PathError{Op: "sync", Path: "x", Err: syscall.EIO}, DiskFailing},
	} {
		if got := TroubleOf(c.err); got != c.want || (got != "") != (got.Sentence() != "") {
			t.Errorf("%v: %q, %q", c.err, got, got.Sentence())
		}
	}
}
