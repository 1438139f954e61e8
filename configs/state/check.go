package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// check refuses a database with ErrCorrupt when it is damaged, with ErrUnreadable when
// the disk fails, and with another error when it could not be found out.
func check(ctx context.Context, db *sql.DB) error {
	var verdict string
	err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict)
	var coded interface{ Code() int }
	switch {
	case err == nil && verdict == "ok":
		return nil
	case err == nil && ofDisk(verdict):
		return fmt.Errorf("%w: %s", ErrUnreadable, oneLine(verdict))
	case err == nil:
		return fmt.Errorf("%w: %s", ErrCorrupt, oneLine(verdict))
	case errors.As(err, &coded) && slices.Contains([]int{sqliteCorrupt, sqliteNotADatabase}, primary(coded.Code())):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case errors.As(err, &coded) && primary(coded.Code()) == sqliteIOError:
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return err
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Primary result codes of SQLite.
const (
	sqliteIOError      = 10
	sqliteCorrupt      = 11
	sqliteNotADatabase = 26
)

func primary(code int) int { return code & 0xff }

// inVerdict is how a verdict names the code of a page that could not be had.
var inVerdict = regexp.MustCompile(`error code=([0-9]+)`)

// ofDisk says whether a verdict is about pages that the disk did not give.
func ofDisk(verdict string) bool {
	m := inVerdict.FindStringSubmatch(verdict)
	if m == nil {
		return false
	}
	code, err := strconv.Atoi(m[1])
	return err == nil && primary(code) == sqliteIOError
}
