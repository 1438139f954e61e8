package peers_test

import (
	"database/sql"
	"log/slog"
	"testing"

	"homeward/configs/state"
)

// openDB opens a fresh state directory's database.
func openDB(t testing.TB) *sql.DB {
	t.Helper()
	s, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s.DB()
}
