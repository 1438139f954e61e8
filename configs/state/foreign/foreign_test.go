package foreign

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// made is a database that some statements make.
func made(t testing.TB, statements string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "made.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const plain = `CREATE TABLE a (name text, "odd "" name" integer); INSERT INTO a VALUES ('anna', 1), ('bob', NULL); CREATE TABLE b (x); CREATE TABLE c (y);`

func TestTablesAreReadByColumn(t *testing.T) {
	dir := t.TempDir()
	got, err := Tables(t.Context(), dir, made(t, plain), "a", "b", "nowhere")
	if err != nil || len(got) != 2 || len(got["a"]) != 2 || len(got["b"]) != 0 || got["a"][0]["name"] != "anna" || got["a"][0][`odd " name`] != int64(1) || got["a"][1][`odd " name`] != nil {
		t.Errorf("%v: %v", err, got)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

// What is written ahead of the file (WAL) is beside it: the file alone is read as it is.
func TestADatabaseWithAJournalIsReadWithoutIt(t *testing.T) {
	got, err := Tables(t.Context(), t.TempDir(), made(t, "PRAGMA journal_mode = wal; "+plain), "a")
	if err != nil || len(got["a"]) != 2 {
		t.Errorf("%v: %v", err, got)
	}
}

func TestWhatADatabaseWouldComputeIsNotAskedFor(t *testing.T) {
	for name, s := range map[string]string{
		"a column":         `CREATE TABLE a (name text, big AS (zeroblob(900000000)), kept AS (zeroblob(900000000)) VIRTUAL); INSERT INTO a VALUES ('anna');`,
		"a view":           `CREATE TABLE x (name); INSERT INTO x VALUES ('anna'); CREATE VIEW a AS SELECT zeroblob(900000000) AS big FROM x;`,
		"a module's table": `CREATE VIRTUAL TABLE a USING fts5(name);`,
	} {
		got, err := Tables(t.Context(), t.TempDir(), made(t, s), "a")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, row := range got["a"] {
			if len(row) != 1 || row["name"] != "anna" {
				t.Errorf("%s: %d values", name, len(row))
			}
		}
	}
}

func TestLargeDatabasesAreRefused(t *testing.T) {
	many := `CREATE TABLE a (x); INSERT INTO a WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 80) SELECT zeroblob(900000) FROM n;`
	if _, err := Tables(t.Context(), t.TempDir(), made(t, many), "a"); err == nil || !strings.Contains(err.Error(), "more in it") {
		t.Errorf("many large values: %v", err)
	}
	if got, err := Tables(t.Context(), t.TempDir(), made(t, `CREATE TABLE a (x); INSERT INTO a VALUES (zeroblob(3000000));`), "a"); err == nil {
		t.Errorf("one that is larger than all that is allowed: %d rows", len(got["a"]))
	}
}

func FuzzTables(f *testing.F) {
	b := made(f, "PRAGMA page_size = 512; "+plain)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte("SQLite format 3\x00"))
	f.Add(bytes.Replace(b, []byte("name text"), []byte("name AS(1"), 1))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, database []byte) {
		began := time.Now()
		got, err := Tables(t.Context(), dir, database, "a", "b")
		if err != nil {
			return
		}
		sum := 0
		for _, rows := range got {
			for _, row := range rows {
				for _, v := range row {
					if s, ok := v.(string); ok {
						sum += len(s)
					}
				}
			}
		}
		if sum > maxBytes {
			t.Fatalf("%d bytes", sum)
		}
		if took := time.Since(began); took > 2*maxTime {
			t.Fatalf("that took %v", took)
		}
	})
}
