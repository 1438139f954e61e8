package byhand

import (
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"homeward/configs/state"
	"homeward/upnp/guide"
)

// mapper notes what it was told.
type mapper []bool

func (m *mapper) SetByHand(on bool) { *m = append(*m, on) }

func (m mapper) last(t *testing.T) bool {
	t.Helper()
	if len(m) == 0 {
		t.Fatal("the mapper was told nothing")
	}
	return m[len(m)-1]
}

func database(t *testing.T) *sql.DB {
	t.Helper()
	st, err := state.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st.DB()
}

func open(t *testing.T, db *sql.DB) (*Book, *mapper) {
	t.Helper()
	var m mapper
	b, err := New(t.Context(), db, &m)
	if err != nil {
		t.Fatal(err)
	}
	return b, &m
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheOwnerSaidSurvivesARestartAndCanBeTakenBack(t *testing.T) {
	db := database(t)
	b, m := open(t, db)
	if b.Said() != (Said{}) || m.last(t) {
		t.Errorf("at first %+v, mapper %v", b.Said(), *m)
	}
	must(t, b.Forwarded(t.Context(), "fritzbox"))
	said := b.Said()
	if said.Since.IsZero() || time.Since(said.Since) > time.Minute || said.Brand != "fritzbox" || !m.last(t) {
		t.Errorf("said: %+v, mapper %v", said, *m)
	}
	again, m := open(t, db)
	if got := again.Said(); !got.Since.Equal(said.Since) || got.Brand != said.Brand || !got.Chosen || !m.last(t) {
		t.Errorf("after a restart %+v, want %+v; mapper %v", got, said, *m)
	}
	must(t, again.Forwarded(t.Context(), ""))
	if got := again.Said(); !got.Since.Equal(said.Since) || got.Brand != "fritzbox" {
		t.Errorf("said twice: %+v", got)
	}
	must(t, again.AskAgain(t.Context()))
	last, m := open(t, db)
	if got := last.Said(); !got.Since.IsZero() || got.Brand != "fritzbox" || m.last(t) {
		t.Errorf("taken back: %+v, mapper %v", got, *m)
	}
}

func TestTheOwnersBrandCountsMoreThanTheRouters(t *testing.T) {
	db := database(t)
	b, _ := open(t, db)
	must(t, b.Recognised(t.Context(), guide.Generic))
	if b.Said().Brand != "" {
		t.Errorf("a router that says nothing: %+v", b.Said())
	}
	must(t, b.Recognised(t.Context(), "asus"))
	if again, _ := open(t, db); again.Said().Brand != "asus" || again.Said().Chosen {
		t.Errorf("recognised: %+v", again.Said())
	}
	must(t, b.Forwarded(t.Context(), "huawei"))
	must(t, b.Recognised(t.Context(), "asus"))
	if again, _ := open(t, db); again.Said().Brand != "huawei" {
		t.Errorf("chosen, and then another recognised: %+v", again.Said())
	}
}

func TestABrandOfAnotherVersionIsNone(t *testing.T) {
	db := database(t)
	b, _ := open(t, db)
	must(t, b.Forwarded(t.Context(), "asus"))
	if _, err := db.Exec(`UPDATE by_hand SET brand = 'tomorrow'`); err != nil {
		t.Fatal(err)
	}
	if again, m := open(t, db); again.Said().Brand != "" || again.Said().Since.IsZero() || !m.last(t) {
		t.Errorf("%+v", again.Said())
	}
}

func TestWithoutADatabaseNothingIsHalfDone(t *testing.T) {
	db := database(t)
	b, m := open(t, db)
	db.Close()
	if err := b.Forwarded(t.Context(), "asus"); err == nil || b.Said() != (Said{}) || m.last(t) {
		t.Errorf("%v, %+v, %v", err, b.Said(), *m)
	}
}
