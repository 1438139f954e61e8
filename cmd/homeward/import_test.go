package main

import (
	"archive/zip"
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const fixtures = "../../peers/imports/testdata/"

func TestAnotherServerIsTakenOver(t *testing.T) {
	dir := newDir(t, "")
	start(t, dir)
	code, out, errs := homeward(t.Context(), dir, "import", "--dry-run", fixtures+"pivpn")
	if code != exitOK || !strings.Contains(out, "old laptop") || !strings.Contains(out, "(off)") || !strings.Contains(out, "Nothing was changed") {
		t.Fatalf("exit code %d, %s%s", code, out, errs)
	}
	if _, list, _ := homeward(t.Context(), dir, "peers", "list"); strings.Contains(list, "anna") {
		t.Fatalf("a dry run changed something: %s", list)
	}
	packed := filepath.Join(t.TempDir(), "pivpn.zip")
	if err := os.WriteFile(packed, zipOf(t, fixtures+"pivpn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs = homeward(t.Context(), dir, "import", packed); code != exitOK {
		t.Fatalf("exit code %d, %s%s", code, out, errs)
	}
	var list, status string
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) { // it starts again
		_, list, _ = homeward(t.Context(), dir, "peers", "list")
		_, status, _ = homeward(t.Context(), dir, "doctor", "--full")
		if strings.Contains(list, "anna") && strings.Contains(status, "UDP 51820") {
			break
		}
		if time.Since(began) > testPatience {
			t.Fatalf("after the import: %s\n%s", list, status)
		}
	}
	if !strings.Contains(list, "10.6.0.2") || !strings.Contains(list, "old laptop") || !strings.Contains(list, "disabled") {
		t.Errorf("devices: %s", list)
	}
	if !strings.Contains(status, "10.6.0.1/24") || !strings.Contains(status, "fd11:5ee:bad:c0de::a06:1/111") {
		t.Errorf("networks: %s", status)
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		_, log, _ := homeward(t.Context(), dir, "log")
		if strings.Contains(log, "Another server was taken over") {
			break
		}
		if time.Since(began) > testPatience {
			t.Fatalf("who imported is not written down: %s", log)
		}
	}
	code, _, errs = homeward(t.Context(), dir, "import", fixtures+"script/wg0.conf")
	if code != exitFailed || !strings.Contains(errs, "devices of its own") {
		t.Errorf("a second import: exit code %d, %s", code, errs)
	}
	// The next device gets the next address of the old server's network.
	if code, _, errs := homeward(t.Context(), dir, "peers", "add", "new"); code != exitOK {
		t.Fatal(errs)
	}
	if _, list, _ = homeward(t.Context(), dir, "peers", "list"); !strings.Contains(list, "10.6.0.4") {
		t.Errorf("the new device: %s", list)
	}
}

// zipOf packs a folder.
func zipOf(t *testing.T, folder string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := errors.Join(z.AddFS(os.DirFS(folder)), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWGEasysDatabaseIsRead(t *testing.T) {
	dir := newDir(t, "")
	file := filepath.Join(dir, "wg-easy.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	// As its migrations make it, those of 15.2 included.
	if _, err := db.Exec(`
		CREATE TABLE interfaces_table (name text PRIMARY KEY NOT NULL, device text NOT NULL, port integer NOT NULL, private_key text NOT NULL, public_key text NOT NULL,
			ipv4_cidr text NOT NULL, ipv6_cidr text NOT NULL, mtu integer NOT NULL, enabled integer NOT NULL, created_at text DEFAULT (CURRENT_TIMESTAMP) NOT NULL, updated_at text DEFAULT (CURRENT_TIMESTAMP) NOT NULL);
		CREATE TABLE clients_table (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, user_id integer NOT NULL, name text NOT NULL, ipv4_address text NOT NULL, ipv6_address text NOT NULL,
			pre_up text DEFAULT '' NOT NULL, post_up text DEFAULT '' NOT NULL, pre_down text DEFAULT '' NOT NULL, post_down text DEFAULT '' NOT NULL,
			private_key text NOT NULL, public_key text NOT NULL, pre_shared_key text NOT NULL, expires_at text, allowed_ips text, server_allowed_ips text NOT NULL,
			persistent_keepalive integer NOT NULL, mtu integer NOT NULL, dns text, enabled integer NOT NULL, created_at text DEFAULT (CURRENT_TIMESTAMP) NOT NULL, updated_at text DEFAULT (CURRENT_TIMESTAMP) NOT NULL);
		INSERT INTO interfaces_table (name, device, port, private_key, public_key, ipv4_cidr, ipv6_cidr, mtu, enabled)
			VALUES ('wg0', 'eth0', 51822, 'AAgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM01o=', 'yP7Kgb4ZbN8sreq/E8SQPXYy3OSVWqaLbl2a3vVOJhY=', '10.8.0.0/24', 'fdcc:ad94:bacf:61a4::cafe:0/112', 1420, 1);
		INSERT INTO clients_table (user_id, name, ipv4_address, ipv6_address, private_key, public_key, pre_shared_key, server_allowed_ips, persistent_keepalive, mtu, enabled)
			VALUES (1, 'Anna', '10.8.0.2', 'fdcc:ad94:bacf:61a4::cafe:2', 'ICcuNTxDSlFYX2ZtdHuCiZCXnqWss7rByM/W3eTr8nk=', 'wcMY7u6tEXeOVmokqMsEubQx64TPpiPGpoLH7lbI4gY=', 'eISLkpmgp661vMPK0djf5u30+wIJEBceJSwzOkFIT1Y=', '[]', 0, 1420, 1);
		ALTER TABLE interfaces_table ADD firewall_enabled integer DEFAULT 0 NOT NULL;
		ALTER TABLE clients_table ADD firewall_ips text;
		UPDATE interfaces_table SET firewall_enabled = 1;
		UPDATE clients_table SET firewall_ips = '["192.168.1.5:443/tcp"]';`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, shown := start(t, dir)
	code, out, errs := homeward(t.Context(), dir, "import", "--dry-run", file)
	if code != exitOK || !strings.Contains(out, "port 51822") || !strings.Contains(out, "fdcc:ad94:bacf:61a4::cafe:2") || !strings.Contains(out, "nothing else: 192.168.1.5 tcp/443.") {
		t.Errorf("exit code %d, %s%s", code, out, errs)
	}
	mustDo(t, dir, "import", file)
	awaitPeer(t, dir, "Anna", shown)
	if out := mustDo(t, dir, "peers", "show", "Anna"); !strings.Contains(out, "192.168.1.5 tcp/443\n") {
		t.Errorf("what the firewall of before kept it from is open now:\n%s", out)
	}
	left, err := filepath.Glob(filepath.Join(dir, "state", "import-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the state directory: %v, %v", left, err)
	}
	if err := os.WriteFile(file, []byte("SQLite format 3\x00 and nothing else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := homeward(t.Context(), dir, "import", file); code != exitFailed || !strings.Contains(errs, "cannot be read") {
		t.Errorf("a damaged database: exit code %d, %s", code, errs)
	}
}

func TestWhatIsNoServerIsRefused(t *testing.T) {
	dir := newDir(t, "")
	start(t, dir)
	outside := filepath.Join(dir, "secret.conf")
	if err := os.WriteFile(outside, []byte("[Interface]\nListenPort = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(folder, "wg0.conf")); err != nil {
		t.Fatal(err)
	}
	for arg, says := range map[string]string{
		t.TempDir():                          "nothing of a WireGuard server",
		"nowhere0":                           "as an interface",
		filepath.Join(dir, "not", "there"):   "not",
		folder:                               "wg0.conf",
		fixtures + "pivpn/configs/anna.conf": "none of them is",
	} {
		if code, out, errs := homeward(t.Context(), dir, "import", arg); code != exitFailed || !strings.Contains(errs, says) {
			t.Errorf("%s: exit code %d, %s%s", arg, code, out, errs)
		}
	}
}
