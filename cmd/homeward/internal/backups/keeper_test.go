package backups

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"homeward/configs/backup"
)

// vault keeps in memory, or refuses.
type vault struct {
	mu   sync.Mutex // guards what follows
	held map[string][]byte
	err  error
}

func (v *vault) Keep(_ context.Context, name string, value []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err == nil {
		v.held[name] = value
	}
	return v.err
}

func (v *vault) Kept(_ context.Context, name string) ([]byte, bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, ok := v.held[name]
	return b, ok, v.err
}

// content writes what it is, or fails after a part.
type content struct {
	text string
	err  error
}

func (c content) Seal(_ backup.Recipient, w io.Writer) error {
	_, err := io.WriteString(w, c.text)
	return errors.Join(err, c.err)
}
func (content) Close() error { return nil }

type world struct {
	*Keeper
	vault  *vault
	folder string
	mu     sync.Mutex // guards now
	now    content    // what is gathered
	told   *strings.Builder
}

// newWorld is a keeper with a recovery code, and a folder.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{vault: &vault{held: map[string][]byte{}}, folder: t.TempDir(), now: content{text: "sealed"}, told: &strings.Builder{}}
	w.Keeper = New(t.Context(), w.config())
	if _, err := w.NewRecovery(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) config() Config {
	return Config{Vault: w.vault, Instance: "0badcafe", MayWrite: func(string) bool { return true }, Tell: func(problem string) { fmt.Fprintf(w.told, "[%s]", problem) }, Logger: slog.New(slog.DiscardHandler), Gather: func(context.Context) (Content, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now, nil
	}}
}

func (w *world) gathers(c content) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = c
}

// files lists the folder.
func (w *world) files(t *testing.T) []string {
	t.Helper()
	all, err := os.ReadDir(w.folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}

// run runs the keeper in a bubble whose clock begins at noon, in 2027.
func (w *world) run(t *testing.T) (stop func()) {
	t.Helper()
	time.Sleep(time.Until(time.Date(2027, 1, 1, 12, 0, 0, 0, time.Local)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestOneIsWrittenAtOnceAndThenEveryNightAndTheNewestAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.run(t)()
		for _, other := range []string{"photo.jpg", "homeward-11111111-20270101T000000Z.backup", "homeward-0badcafe-20200101T000000Z.backup.new"} {
			if err := os.WriteFile(filepath.Join(w.folder, other), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.SetNightly(t.Context(), w.folder+"/.", 3); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := w.Status(); s.Night.IsZero() || s.Last != s.Night || s.Folder != w.folder || s.Problem != "" || s.Next.Local().Format("15:04") != "03:17" || s.Next.Sub(s.Night) > 24*time.Hour {
			t.Errorf("at once: %+v", s)
		}
		if files := w.files(t); len(files) != 3 || !strings.Contains(files[0], "0badcafe-2027") {
			t.Errorf("at once: %q", files)
		}
		time.Sleep(10 * 24 * time.Hour)
		files := w.files(t)
		if len(files) != 5 {
			t.Fatalf("after ten nights: %q", files)
		}
		for i, f := range files[:3] {
			at := time.Date(2027, 1, 9+i, nightHour, nightMinute, 0, 0, time.Local).UTC().Format("20060102T15")
			info, err := os.Stat(filepath.Join(w.folder, f))
			if !strings.HasPrefix(f, "homeward-0badcafe-"+at) || err != nil || info.Mode().Perm() != 0o600 || info.Size() != 6 {
				t.Errorf("%s, %v, %v", f, info, err)
			}
		}
		if err := w.StopNightly(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * 24 * time.Hour)
		if again := w.files(t); fmt.Sprint(again) != fmt.Sprint(files) || w.Status().Folder != "" {
			t.Errorf("switched off: %q", again)
		}
	})
}

func TestAFolderThatFailsIsToldAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.run(t)()
		if err := w.SetNightly(t.Context(), w.folder, 2); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		good := w.files(t)
		for says, fail := range map[string]func() (mend func()){
			"is not there": func() func() {
				aside := w.folder + ".aside"
				if err := os.Rename(w.folder, aside); err != nil {
					t.Fatal(err)
				}
				return func() {
					if err := os.Rename(aside, w.folder); err != nil {
						t.Fatal(err)
					}
				}
			},
			"is full":       func() func() { w.gathers(content{"par", syscall.ENOSPC}); return func() {} },
			"may not write": func() func() { w.gathers(content{"par", syscall.EROFS}); return func() {} },
			"input/output":  func() func() { w.gathers(content{"", syscall.EIO}); return func() {} },
		} {
			before := w.Status().Night
			mend := fail()
			time.Sleep(25 * time.Hour)
			s := w.Status()
			if !strings.Contains(s.Problem, says) || s.Advice == "" || s.Night != before || time.Until(s.Next) > again {
				t.Errorf("%s: %+v", says, s)
			}
			mend()
			if files := w.files(t); len(files) == 0 || strings.HasSuffix(files[len(files)-1], unfinished) {
				t.Errorf("%s: the folder has %q", says, files)
			}
			w.gathers(content{text: "sealed"})
			time.Sleep(again + time.Second)
			if s := w.Status(); s.Problem != "" || !s.Night.After(before) {
				t.Errorf("%s, mended: %+v", says, s)
			}
		}
		if told := w.told.String(); strings.Count(told, "][]") != 4 || strings.Count(told, "[") != 8 {
			t.Errorf("each problem and its end is told once: %s", told)
		}
		if now := w.files(t); len(now) != 2 || fmt.Sprint(now) == fmt.Sprint(good) {
			t.Errorf("%q", now)
		}
	})
}

func TestABoxThatWasOffAtNightWritesSoonAfterItsStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stop := w.run(t)
		if err := w.SetNightly(t.Context(), w.folder, 7); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		time.Sleep(48 * time.Hour)
		w.Keeper = New(t.Context(), w.config())
		if s := w.Status(); s.Folder != w.folder || s.Keep != 7 || !s.HasRecovery {
			t.Errorf("after a restart: %+v", s)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		time.Sleep(2 * settle)
		if n := len(w.files(t)); n != 2 {
			t.Errorf("%d files", n)
		}
		cancel()
		<-done
	})
}

func TestDueIsAboutTheNightAndNotAboutTheClock(t *testing.T) {
	at := func(s string) time.Time {
		got, err := time.ParseInLocation("2006-01-02 15:04", s, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	now := at("2027-05-05 12:00")
	for name, c := range map[string]struct {
		r    record
		now  time.Time
		want time.Time
	}{
		"never":                      {record{}, now, now},
		"this noon":                  {record{Night: at("2027-05-05 11:00")}, now, at("2027-05-06 03:17")},
		"shortly before the night":   {record{Night: at("2027-05-05 03:16")}, now, at("2027-05-05 03:17")},
		"in the night":               {record{Night: at("2027-05-05 03:17")}, now, at("2027-05-06 03:17")},
		"days ago":                   {record{Night: at("2027-05-01 03:17")}, now, at("2027-05-02 03:17")},
		"in the future":              {record{Night: at("2031-01-01 00:00")}, now, now},
		"failed":                     {record{Night: at("2027-05-01 03:17"), Tried: at("2027-05-05 11:30"), Problem: "x"}, now, at("2027-05-05 12:30")},
		"failed in the future":       {record{Night: at("2027-05-01 03:17"), Tried: at("2031-05-05 11:30"), Problem: "x"}, now, at("2027-05-02 03:17")},
		"a clock that was never set": {record{}, time.Unix(100, 0), time.Unix(100, 0).Add(again)},
	} {
		if got := c.r.due(c.now); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestSettingsThatCannotBeAreRefused(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		folder string
		keep   int
		field  string
	}{
		"no folder": {"", 1, "folder"}, "a relative one": {"backups", 1, "folder"}, "a missing one": {w.folder + "/x", 1, "folder"},
		"a file": {file, 1, "folder"}, "none kept": {w.folder, -1, "keep"}, "too many": {w.folder, 366, "keep"},
	} {
		err := w.SetNightly(t.Context(), c.folder, c.keep)
		var f *FieldError
		if !errors.As(err, &f) || f.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := w.Status(); s.Folder != "" {
		t.Errorf("it was kept: %+v", s)
	}
	bare := New(t.Context(), Config{Vault: &vault{held: map[string][]byte{}}, Logger: slog.New(slog.DiscardHandler)})
	if err := bare.SetNightly(t.Context(), w.folder, 1); !errors.Is(err, ErrNoRecovery) {
		t.Errorf("without a recovery code: %v", err)
	}
	if left := w.files(t); len(left) != 1 {
		t.Errorf("trying left %q", left)
	}
	w.Keeper.cfg.Own = w.folder + "/own"
	if err := w.SetNightly(t.Context(), w.folder+"/own", 1); err != nil {
		t.Errorf("its own folder is not made: %v", err)
	}
}

func TestAFolderWithoutTheRightIsTakenAndSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	for mayWrite, want := range map[bool]string{true: "backup nightly --help", false: "restart homeward"} {
		w.Keeper.cfg.MayWrite = func(string) bool { return mayWrite }
		for _, err := range []error{syscall.EACCES, syscall.EROFS, syscall.EPERM} {
			p := w.explain("/mnt", &os.PathError{Op: "open", Path: "x", Err: err})
			if !p.rights || !strings.Contains(p.advice, want) {
				t.Errorf("%v: %+v", err, p)
			}
		}
	}
}

func TestWhatARestartMendsIsTriedAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stop := w.run(t)
		if err := w.SetNightly(t.Context(), w.folder, 1); err != nil {
			t.Fatal(err)
		}
		w.gathers(content{err: syscall.EACCES})
		time.Sleep(24 * time.Hour)
		stop()
		if s := w.Status(); s.Problem == "" {
			t.Fatalf("%+v", s)
		}
		w.gathers(content{text: "sealed"})
		w.Keeper = New(t.Context(), w.config())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		time.Sleep(2 * settle)
		if s := w.Status(); s.Problem != "" || time.Since(s.Night) > 2*settle {
			t.Errorf("%+v", s)
		}
		cancel()
		<-done
	})
}

func TestTheRecoveryCodeIsShownOnceAndNotReplacedByAccident(t *testing.T) {
	w := newWorld(t)
	if _, err := w.NewRecovery(t.Context(), false); !errors.Is(err, ErrHasRecovery) {
		t.Errorf("a second one: %v", err)
	}
	code, err := w.NewRecovery(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	kept := string(w.vault.held[vaultName])
	if !strings.HasPrefix(code.Reveal(), "AGE-SECRET-KEY-1") || strings.Contains(kept, code.Reveal()[16:]) || !strings.Contains(kept, `"age1`) {
		t.Errorf("kept is %q", kept)
	}
	w.vault.err = errors.New("disk full")
	if _, err := w.NewRecovery(t.Context(), true); err == nil {
		t.Error("a code that was not kept was shown")
	}
	if broken := New(t.Context(), w.config()); broken.Status().Problem == "" {
		t.Error("settings that cannot be read are not told")
	}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
