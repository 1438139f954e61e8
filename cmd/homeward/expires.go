package main

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// parseEnd reads when access ends and returns it as in RFC 3339, or empty for
// never. A day means until its end, here where the command is typed.
func parseEnd(s string, now time.Time) (string, error) {
	if s == "never" || s == "" {
		return "", nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, s, now.Location()); err == nil {
		return day.AddDate(0, 0, 1).Format(time.RFC3339), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.Format(time.RFC3339), nil
	}
	for unit, days := range map[string]int{"d": 1, "w": 7} {
		if n, err := strconv.ParseUint(strings.TrimSuffix(s, unit), 10, 16); err == nil && strings.HasSuffix(s, unit) {
			return now.AddDate(0, 0, int(n)*days).Format(time.RFC3339), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(d).Format(time.RFC3339), nil
	}
	return "", errors.New("use 12h, 7d, 2w, a day such as 2026-12-24, a time as in RFC 3339, or never")
}
