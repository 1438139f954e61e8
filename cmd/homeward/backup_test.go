package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"homeward/configs/state"
	"homeward/web/api"
)

const backupPhrase = "four words that go nowhere"

// typing runs one command line on dir with something typed into it.
func typing(t *testing.T, dir, typed string, args ...string) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	tty := terminal{in: strings.NewReader(typed), out: &out, err: &out, env: func(k string) (string, bool) { return filepath.Join(dir, "state"), k == "HOMEWARD_STATE" }}
	code = run(t.Context(), append(args, "--config", operatorsFile(dir)), tty)
	return code, out.String()
}

func TestABackupOfOneBoxMakesAnotherTheSame(t *testing.T) {
	old, fresh := newDir(t, ""), newDir(t, "")
	file := filepath.Join(t.TempDir(), "home.backup")
	do := func(dir string, wantCode int, says, typed string, args ...string) string {
		t.Helper()
		code, said := typing(t, dir, typed, args...)
		if code != wantCode || !strings.Contains(said, says) {
			t.Fatalf("%q: exit code %d, want %d; said %q, want %q in it", args, code, wantCode, said, says)
		}
		if strings.Contains(said, backupPhrase) {
			t.Errorf("%q shows the passphrase", args)
		}
		return said
	}
	do(old, exitNotRunning, "homeward serve", backupPhrase, "backup", file)
	stop, _ := start(t, old)
	do(old, exitOK, "kept sealed", "", "settings", "set", "--keep-codes")
	do(old, exitOK, "may come in", "", "peers", "add", "phone")
	config := do(old, exitOK, "[Interface]", "", "peers", "config", "phone")
	do(old, exitOK, "is set", "correct horse battery", "admin", "password")
	do(old, exitOK, "SECOND STEP", "", "admin", "users", "list")
	do(old, exitFailed, "no second step", "", "admin", "users", "totp-off", "admin")
	do(old, exitOK, "waits for a public address", "token", "dns", "set", "duckdns", "home.duckdns.org")
	do(old, exitOK, "None was made yet", "", "status")
	do(old, exitFailed, "too short", "short", "backup", file)
	do(old, exitUsage, "standard input is empty", "", "backup", file)
	do(old, exitOK, "is written", backupPhrase+"\n", "backup", file)
	do(old, exitOK, `"size_bytes"`, backupPhrase, "backup", "--json", filepath.Join(old, "second.backup"))
	do(old, exitFailed, "is there already", backupPhrase, "backup", file)
	do(old, exitOK, "The last one was made just now", "", "doctor")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(left) != 1 {
		t.Errorf("it left %q", left)
	}
	if code, errs := stop(); code != exitOK || strings.Contains(errs, backupPhrase) {
		t.Errorf("serve ended with %d: %s", code, errs)
	}

	do(fresh, exitUsage, "missing", "", "restore", file)
	do(fresh, exitFailed, "not the passphrase", "another passphrase", "restore", file)
	held := do(fresh, exitOK, "\nNothing was changed", backupPhrase, "restore", "--dry-run", file)
	for _, part := range []string{"by homeward " + version, "Devices:       1\n", "They call:     " + lineOf(config, "Endpoint = ")[len("Endpoint = "):], "Server's key:  " + lineOf(config, "PublicKey = ")[len("PublicKey = "):], "UDP port: ", "Networks: "} {
		if !strings.Contains(held, part) {
			t.Errorf("a dry run says\n%s, want %q in it", held, part)
		}
	}
	if private := lineOf(config, "PrivateKey = ")[len("PrivateKey = "):]; strings.Contains(held, strings.TrimSpace(private)) {
		t.Error("a dry run shows a private key")
	}
	if _, err := os.Stat(filepath.Join(fresh, "state", state.DatabaseFile)); err == nil {
		t.Error("a dry run made a database")
	}
	passphrase := filepath.Join(fresh, "passphrase")
	if err := os.WriteFile(passphrase, []byte(backupPhrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	do(fresh, exitOK, "is in place", "", "restore", file, "--passphrase-file", passphrase)
	start(t, fresh)
	do(fresh, exitOK, "phone", "", "peers", "list")
	do(fresh, exitOK, "home.duckdns.org", "", "dns", "show")
	do(fresh, exitFailed, "password", "", "admin", "setup-link") // claimed
	if kept := do(fresh, exitOK, "[Interface]", "", "peers", "config", "phone"); kept != config {
		t.Error("a kept code is another one after the restore")
	}
	again := do(fresh, exitOK, "", "", "peers", "rotate", "phone") + do(fresh, exitOK, "[Interface]", "", "peers", "config", "phone")
	for _, line := range []string{"PublicKey = ", "Endpoint = ", "Address = "} { // the server's, since the private key is new
		if got, want := lineOf(again, line), lineOf(config, line); got != want || want == "" {
			t.Errorf("%q, on the old box %q", got, want)
		}
	}
}

// lineOf is the first line of a text that begins so.
func lineOf(text, begin string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, begin) {
			return line
		}
	}
	return ""
}

func TestARunningHomewardTakesABackupAndStartsAgainWithIt(t *testing.T) {
	a, b := newDir(t, ""), newDir(t, "")
	file := filepath.Join(t.TempDir(), "home.backup")
	stop, _ := start(t, a)
	if code, said := typing(t, a, "", "peers", "add", "phone of a"); code != exitOK {
		t.Fatal(said)
	}
	code, said := typing(t, a, "", "backup", "recovery-code")
	_, key, ok := strings.Cut(said, "AGE-SECRET-KEY-")
	if code != exitOK || !ok {
		t.Fatal(said)
	}
	key, _, _ = strings.Cut("AGE-SECRET-KEY-"+key, "\n")
	if code, said := typing(t, a, "", "backup", "--recovery", file); code != exitOK {
		t.Fatal(said)
	}
	if code, said := typing(t, a, "", "backup", "recovery-code"); code != exitFailed || !strings.Contains(said, "--replace") {
		t.Errorf("a second code: %d %s", code, said)
	}
	stop()

	restoreByPage(t, file, key)
	stop, out := start(t, b)
	if code, said := typing(t, b, "", "peers", "add", "phone of b"); code != exitOK {
		t.Fatal(said)
	}
	if code, said := typing(t, b, "some passphrase", "restore", file); code != exitFailed || !strings.Contains(said, "recovery code") {
		t.Errorf("by a passphrase: %d %s", code, said)
	}
	code, said = typing(t, b, key, "restore", file)
	if code != exitOK || !strings.Contains(said, "before-restore-") {
		t.Fatalf("%d %s", code, said)
	}
	awaitPeer(t, b, "phone of a", out)
	if code, errs := stop(); code != exitOK {
		t.Errorf("serve ended with %d: %s", code, errs)
	}
}

// awaitPeer waits until the homeward in dir has this one device.
func awaitPeer(t *testing.T, dir, name string, out *output) {
	t.Helper()
	client := api.NewClient(filepath.Join(dir, "state", socketFile))
	ctx, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	for {
		list, err := client.Peers(ctx)
		if err == nil && len(list) == 1 && list[0].Name == name {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("it has %v (%v), and said %s", list, err, out)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// restoreByPage uploads a backup to the page of a box that nobody claimed yet.
func restoreByPage(t *testing.T, file, key string) {
	t.Helper()
	dir := newDir(t, "")
	stop, out := start(t, dir)
	out.await(t, "setup?token=") // which ours would be ended by
	code, said := typing(t, dir, "", "admin", "setup-link", "--json")
	var link api.SetupLink
	if err := json.Unmarshal([]byte(said), &link); err != nil || code != exitOK {
		t.Fatal(said, err)
	}
	page, err := url.Parse(link.URL)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	err = errors.Join(form.WriteField("token", page.Query().Get("token")), form.WriteField("key", key))
	part, err2 := form.CreateFormFile("file", "x")
	if err = errors.Join(err, err2); err == nil {
		_, err = part.Write(sealed)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		t.Fatal(err)
	}
	base := "https://" + page.Host
	browser := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}, Timeout: testPatience}
	send := func(path, contentType string, body io.Reader, says string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "POST", base+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Origin", base)
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(answer), says) {
			t.Fatalf("%d %v %s", resp.StatusCode, err, answer)
		}
		return string(answer)
	}
	found := send("/setup/restore", form.FormDataContentType(), &b, "Is this the right backup?")
	if !strings.Contains(found, "<dd>1</dd>") || !strings.Contains(found, "homeward "+version) {
		t.Errorf("what is in the backup is not shown:\n%s", found)
	}
	if code, said := typing(t, dir, "", "peers", "list"); code != exitOK || !strings.Contains(said, "No devices yet") {
		t.Errorf("it was restored before anybody had confirmed it: %d %s", code, said)
	}
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(found)
	if id == nil {
		t.Fatalf("nothing can be confirmed:\n%s", found)
	}
	send("/setup/restore/take", "application/x-www-form-urlencoded", strings.NewReader(url.Values{"token": page.Query()["token"], "id": id[1:]}.Encode()), "Welcome back")
	awaitPeer(t, dir, "phone of a", out)
	if code, errs := stop(); code != exitOK {
		t.Errorf("serve ended with %d: %s", code, errs)
	}
}

func TestABackupIsWrittenAtNightToTheFolder(t *testing.T) {
	dir, folder := newDir(t, ""), t.TempDir()
	start(t, dir)
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitUsage, "--to", nil},
		{exitUsage, "--to", []string{"on"}},
		{exitFailed, "make one first", []string{"--to", folder}},
		{exitOK, "No backup is written", []string{"show"}},
	} {
		if code, said := typing(t, dir, "", append([]string{"backup", "nightly"}, c.args...)...); code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%q: %d %s", c.args, code, said)
		}
	}
	if code, said := typing(t, dir, "", "backup", "recovery-code"); code != exitOK {
		t.Fatal(said)
	}
	if code, said := typing(t, dir, "", "backup", "nightly", "--to", folder+"/missing"); code != exitFailed || !strings.Contains(said, "is not there: make it") {
		t.Errorf("%d %s", code, said)
	}
	if code, said := typing(t, dir, "", "backup", "nightly", "--to", folder, "--keep", "3"); code != exitOK || !strings.Contains(said, "the newest 3 stay") {
		t.Errorf("%d %s", code, said)
	}
	for deadline := time.Now().Add(testPatience); ; time.Sleep(20 * time.Millisecond) {
		if code, said := typing(t, dir, "", "backup", "nightly", "show"); code == exitOK && strings.Contains(said, "The last one") {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(said)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(folder, "homeward-*.backup")); len(files) != 1 {
		t.Errorf("the folder has %q", files)
	}
	if code, said := typing(t, dir, "", "status"); code != exitOK || !strings.Contains(said, "every night to "+folder) {
		t.Errorf("%d %s", code, said)
	}
	if code, said := typing(t, dir, "", "backup", "nightly", "off"); code != exitOK {
		t.Errorf("%d %s", code, said)
	}
	for deadline := time.Now().Add(testPatience); ; time.Sleep(50 * time.Millisecond) {
		if code, said := typing(t, dir, "", "log"); code == exitOK && strings.Contains(said, "recovery code") && strings.Contains(said, "nightly backup was changed") {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(said)
		}
	}
}
