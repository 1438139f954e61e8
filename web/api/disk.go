package api

import (
	"errors"
	"syscall"
)

// DiskTrouble is why the disk did not take a change.
type DiskTrouble string

// What disks do to those who keep things on them.
const (
	DiskFull     DiskTrouble = "full"
	DiskReadOnly DiskTrouble = "read_only"
	DiskFailing  DiskTrouble = "failing"
)

// Primary result codes of SQLite, which the rooms behind the errors know it by.
const (
	sqliteReadOnly = 8
	sqliteIOError  = 10
	sqliteFull     = 13
	sqliteCantOpen = 14
)

// TroubleOf says what of the disk is behind an error; empty when it is something
// else.
func TroubleOf(err error) DiskTrouble {
	var coded interface{ Code() int }
	code := 0
	if errors.As(err, &coded) {
		code = coded.Code() & 0xff
	}
	switch {
	case err == nil:
		return ""
	case code == sqliteFull, errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return DiskFull
	case code == sqliteReadOnly, errors.Is(err, syscall.EROFS):
		return DiskReadOnly
	case code == sqliteIOError, code == sqliteCantOpen, errors.Is(err, syscall.EIO):
		return DiskFailing
	}
	return ""
}

// Sentence says it to a person.
func (d DiskTrouble) Sentence() string {
	return map[DiskTrouble]string{
		DiskFull:     "the disk that homeward keeps its things on is full: nothing was changed; make room and try again",
		DiskReadOnly: "the disk that homeward keeps its things on can only be read: nothing was changed; find out why, a failing SD card does that",
		DiskFailing:  "the disk that homeward keeps its things on does not work: nothing was changed; look at the log, and make a backup",
	}[d]
}
