package main

import (
	"bytes"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/web/api"
)

// withDevices is a state directory in which a homeward ran that had two devices, and
// then a third, with a daily snapshot from before that.
func withDevices(t *testing.T) (dir string) {
	t.Helper()
	dir = newDir(t, "")
	stop, _ := start(t, dir)
	waitForSnapshot(t, dir)
	for _, name := range []string{"anna", "bert"} {
		if code, _, errs := homeward(t.Context(), dir, "peers", "add", name); code != exitOK {
			t.Fatal(errs)
		}
	}
	stop()
	if old, _ := filepath.Glob(filepath.Join(dir, "state", "daily", "*")); len(old) != 1 {
		t.Fatalf("daily snapshots: %v", old)
	} else if err := os.Remove(old[0]); err != nil { // it is from before the devices
		t.Fatal(err)
	}
	stop, _ = start(t, dir)
	waitForSnapshot(t, dir)
	for _, args := range [][]string{{"peers", "add", "carl"}, {"peers", "remove", "bert"}} {
		if code, _, errs := homeward(t.Context(), dir, args...); code != exitOK {
			t.Fatal(errs)
		}
	}
	stop()
	return dir
}

func waitForSnapshot(t *testing.T, dir string) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if all, _ := filepath.Glob(filepath.Join(dir, "state", "daily", "*.db")); len(all) == 1 {
			return
		}
		if time.Since(began) > testPatience {
			t.Fatal("no daily snapshot")
		}
	}
}

func database(dir string) string { return filepath.Join(dir, "state", "homeward.db") }

// change changes the database behind homeward's back.
func change(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", database(dir)+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func spoil(t *testing.T, file string) {
	t.Helper()
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(file + suffix)
	}
	if err := os.WriteFile(file, bytes.Repeat([]byte("junk"), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestADamagedDatabaseComesBackWithTheDevicesAsTheyWereLast(t *testing.T) {
	dir := withDevices(t)
	spoil(t, database(dir))
	_, out := start(t, dir)
	code, list, errs := homeward(t.Context(), dir, "peers", "list")
	if code != exitOK || !strings.Contains(list, "anna") || !strings.Contains(list, "carl") || strings.Contains(list, "bert") {
		t.Errorf("exit code %d, %s\n%s", code, list, errs)
	}
	out.await(t, "is back from the snapshot") // which is printed once the router is known
}

// The snapshot is from before the tunnel got another network, and the devices' codes are
// from after it.
func TestADamagedDatabaseComesBackWithTheNetworkThatTheTunnelHadLast(t *testing.T) {
	dir := withDevices(t)
	stop, _ := start(t, dir)
	if code, _, errs := homeward(t.Context(), dir, "peers", "renumber", "--yes", "--to", "10.77.3.0/24"); code != exitOK {
		t.Fatal(errs)
	}
	moved := func() bool {
		_, list, _ := homeward(t.Context(), dir, "peers", "list")
		return strings.Count(list, "10.77.3.") == 2
	}
	for began := time.Now(); !moved(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > testPatience {
			t.Fatal("nothing was renumbered: the test would prove nothing")
		}
	}
	stop()
	spoil(t, database(dir))
	_, out := start(t, dir)
	if !moved() {
		t.Error("the devices have other addresses")
	}
	for _, args := range [][]string{{"peers", "rotate", "anna"}, {"peers", "add", "dora"}} {
		if code, _, errs := homeward(t.Context(), dir, args...); code != exitOK {
			t.Fatal(errs)
		}
		_, config, _ := homeward(t.Context(), dir, "peers", "config", args[2])
		for _, line := range []string{"Address = ", "DNS = "} {
			if got := lineOf(config, line); !strings.Contains(got, "10.77.3.") {
				t.Errorf("the code of %s has %q", args[2], got)
			}
		}
	}
	out.await(t, "is back from the snapshot")
}

func TestWithoutADatabaseDevicesComeInAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		says  string
	}{
		"damaged, and no snapshot": {func(t *testing.T, dir string) {
			spoil(t, database(dir))
			if err := os.RemoveAll(filepath.Join(dir, "state", "daily")); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		"written by a newer homeward": {func(t *testing.T, dir string) { change(t, dir, "PRAGMA user_version = 999") }, "written by a newer homeward"},
		"with a network that is none": {func(t *testing.T, dir string) { change(t, dir, `UPDATE identity SET prefix4 = 'junk'`) }, "identity"},
		"without a table":             {func(t *testing.T, dir string) { change(t, dir, `DROP TABLE forwards`) }, "forwards"},
		"without an identity":         {func(t *testing.T, dir string) { change(t, dir, `DELETE FROM identity`) }, "identity is gone"},
		"a folder in its place": {func(t *testing.T, dir string) {
			if err := os.Remove(database(dir)); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(database(dir), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := withDevices(t)
			c.spoil(t, dir)
			port := freePort(t)
			_, out := start(t, dir, "--admin-port", port)
			code, text, errs := homeward(t.Context(), dir, "status", "--json")
			var s api.Status
			if err := json.Unmarshal([]byte(text), &s); code != exitOK || err != nil {
				t.Fatalf("exit code %d, %v: %s", code, err, errs)
			}
			if j := s.Joints[0]; j.Key != "memory" || j.State != api.JointFailed || !strings.Contains(j.Summary, "(2 of them)") || !strings.Contains(j.Advice, c.says) {
				t.Errorf("first joint: %+v", j)
			}
			if j := s.Joints[1]; j.Key != "device" || !strings.Contains(j.Summary, "WireGuard listens") {
				t.Errorf("the tunnel: %+v", j)
			}
			if code, _, errs := homeward(t.Context(), dir, "peers", "add", "dora"); code != exitFailed || !strings.Contains(errs, "nothing can be changed") {
				t.Errorf("adding: exit code %d, %q", code, errs)
			}
			if code, report, errs := homeward(t.Context(), dir, "doctor"); code != exitOK || !strings.Contains(report, "as of") {
				t.Errorf("doctor: exit code %d, %s%s", code, report, errs)
			}
			resp, err := insecure(t).Get("https://127.0.0.1:" + port + "/setup")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			page, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(page), "nothing can be changed") {
				t.Errorf("the page: %d, %v: %s", resp.StatusCode, err, page)
			}
			if strings.Contains(string(page), "anna") || strings.Contains(string(page), dir) {
				t.Errorf("the page tells strangers: %s", page)
			}
			if strings.Contains(out.String(), "/setup?token=") {
				t.Error("a setup link is printed")
			}
		})
	}
}

// insecure takes any certificate.
func insecure(t *testing.T) *http.Client {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func TestAShelterEndsByItselfWhenTheDatabaseCanBeOpenedAgain(t *testing.T) {
	dir := withDevices(t)
	hidden := database(dir) + ".hidden"
	if err := os.Rename(database(dir), hidden); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(database(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	stop, out := start(t, dir)
	refused := func(says string, args ...string) {
		t.Helper()
		if code, _, errs := homeward(t.Context(), dir, args...); code != exitFailed || !strings.Contains(errs, says) {
			t.Errorf("%q: exit code %d, %q", args, code, errs)
		}
	}
	refused("nothing can be changed", "peers", "add", "dora")
	refused("is a directory", "admin", "start-normally")
	if err := errors.Join(os.Remove(database(dir)), os.Rename(hidden, database(dir))); err != nil {
		t.Fatal(err)
	}
	out.await(t, "Set it up") // which a whole one prints only
	mustDo(t, dir, "peers", "add", "dora")
	if code, errs := stop(); code != exitOK {
		t.Errorf("serve ended with %d: %s", code, errs)
	}
}

func TestABackupPutsADatabaseInThePlaceOfTheDamagedOne(t *testing.T) {
	dir := newDir(t, "")
	file := filepath.Join(t.TempDir(), "home.backup")
	stop, _ := start(t, dir)
	for _, c := range [][]string{{"", "peers", "add", "anna"}, {backupPhrase, "backup", file}, {"", "peers", "add", "bert"}} {
		if code, said := typing(t, dir, c[0], c[1:]...); code != exitOK {
			t.Fatal(said)
		}
	}
	stop()
	spoil(t, database(dir))
	if err := os.RemoveAll(filepath.Join(dir, "state", "daily")); err != nil {
		t.Fatal(err)
	}
	stop, out := start(t, dir)
	if code, said := typing(t, dir, "", "peers", "list"); code != exitFailed || !strings.Contains(said, "nothing can be changed") {
		t.Fatalf("it is not without its database: %d %s", code, said)
	}
	if code, said := typing(t, dir, backupPhrase, "restore", file); code != exitOK || !strings.Contains(said, "before-restore-") {
		t.Fatalf("%d %s", code, said)
	}
	awaitPeer(t, dir, "anna", out)
	if code, said := typing(t, dir, "", "status"); code != exitOK || !strings.Contains(said, "The last one was made just now") {
		t.Errorf("%d %s", code, said)
	}
	if code, errs := stop(); code != exitOK {
		t.Errorf("serve ended with %d: %s", code, errs)
	}
}

func TestAFirstStartThatFailsIsAnError(t *testing.T) {
	dir := newDir(t, "")
	if err := os.MkdirAll(database(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	code, _, errs := homeward(t.Context(), dir, "serve", "--map-port=false", "--plane", "netstack", "--bind", "127.0.0.1")
	if code != exitFailed || !strings.Contains(errs, "homeward.db") {
		t.Errorf("exit code %d, said %q", code, errs)
	}
}
