package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"homeward/web/api"
)

// slowHomeward answers on the socket of a state directory what takes its time, and only
// when it is told to.
func slowHomeward(t *testing.T, dir string, goOn <-chan struct{}) {
	t.Helper()
	socket := filepath.Join(dir, "state", socketFile)
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	wait := func(r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-goOn:
		case <-r.Context().Done():
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/backup", func(w http.ResponseWriter, r *http.Request) {
		wait(r)
		_, _ = io.WriteString(w, "sealed")
	})
	mux.HandleFunc("POST "+api.RestorePath, func(w http.ResponseWriter, r *http.Request) {
		wait(r)
		_, _ = io.WriteString(w, `{"devices": 7}`)
	})
	mux.HandleFunc("POST /api/v1/renumber", func(w http.ResponseWriter, r *http.Request) {
		in, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(in), `"dry_run":true`) {
			_, _ = io.WriteString(w, `{"to": ["10.9.0.0/24"]}`)
			return
		}
		select {
		case <-goOn: // it has started again, and has that network
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"status": 400, "field": "network", "detail": "it has that one"}`)
		default:
			api.Refuse(w, http.StatusConflict, "it starts again")
		}
	})
	server := &http.Server{Handler: mux}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = server.Serve(l) // until it is closed
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-over
	})
}

// Somebody at a terminal is told what is being done when it takes its time.
func TestWhatTakesItsTimeSaysAtATerminalWhatItDoes(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"backup":  {[]string{"backup", "new.backup"}, "Sealing what homeward knows…"},
		"restore": {[]string{"restore", "old.backup"}, "Opening the backup and verifying all of it…"},
		// As long as it takes until homeward has started again.
		"renumber": {[]string{"peers", "renumber", "--yes"}, "Moving all devices and starting again…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, goOn := newDir(t, ""), make(chan struct{})
			slowHomeward(t, dir, goOn)
			if err := os.WriteFile(filepath.Join(dir, "old.backup"), []byte("sealed"), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append([]string{}, c.args...)
			if strings.HasSuffix(args[1], ".backup") {
				args[1] = filepath.Join(dir, args[1])
			}
			keys, screen := openTerminal(t)
			seen, ended := watchScreen(t, keys), make(chan int, 1)
			begin := func(errs io.Writer) {
				tty := terminal{in: strings.NewReader(backupPhrase), out: io.Discard, err: errs, env: func(k string) (string, bool) { return filepath.Join(dir, "state"), k == "HOMEWARD_STATE" }}
				ended <- run(context.WithoutCancel(t.Context()), append(args, "--config", operatorsFile(dir)), tty)
			}
			go begin(screen)
			seen.await(t, c.says)
			select {
			case code := <-ended:
				t.Fatalf("it ended with %d before it was done", code)
			default:
			}
			close(goOn)
			if code := <-ended; code != exitOK {
				t.Fatalf("exit code %d; the screen shows %q", code, seen)
			}
			seen.await(t, c.says+"\r\n") // the line ends with the work
		})
	}
}

// Somebody at a terminal sees what is in a backup and is asked, before anything is
// changed; and changes nothing by saying no.
func TestARestoreAtATerminalShowsTheBackupAndAsks(t *testing.T) {
	old := newDir(t, "")
	file := filepath.Join(t.TempDir(), "home.backup")
	stop, _ := start(t, old)
	mustDo(t, old, "peers", "add", "phone")
	if code, said := typing(t, old, backupPhrase, "backup", file); code != exitOK {
		t.Fatal(said)
	}
	stop()
	for answer, want := range map[string]int{"n\n": exitFailed, "y\n": exitOK} {
		dir := newDir(t, "")
		keys, screen := openTerminal(t)
		seen, ended := watchScreen(t, keys), make(chan int, 1)
		go func() {
			tty := terminal{in: screen, out: screen, err: screen, env: func(k string) (string, bool) { return filepath.Join(dir, "state"), k == "HOMEWARD_STATE" }}
			ended <- run(context.WithoutCancel(t.Context()), []string{"restore", file, "--config", operatorsFile(dir)}, tty)
		}()
		seen.await(t, "Passphrase or recovery code: ")
		_, _ = io.WriteString(keys, backupPhrase+"\n") // fails only where the screen says nothing more
		seen.await(t, "Go on? [y/N]")
		if shown := seen.String(); !strings.Contains(shown, "Devices:       1") || !strings.Contains(shown, "They call:") || strings.Contains(shown, backupPhrase) {
			t.Errorf("asked with %q", shown)
		}
		database := filepath.Join(dir, "state", "homeward.db")
		if _, err := os.Stat(database); err == nil {
			t.Error("something is there before the answer")
		}
		_, _ = io.WriteString(keys, answer)
		if code := <-ended; code != want {
			t.Errorf("%q: exit code %d, want %d; the screen shows %q", answer, code, want, seen)
		}
		if _, err := os.Stat(database); (err == nil) != (want == exitOK) {
			t.Errorf("%q: the database: %v", answer, err)
		}
	}
}
