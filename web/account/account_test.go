package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"homeward/configs/state"
)

const good = "correct horse battery"

var (
	here      = netip.MustParseAddr("192.168.1.7")
	elsewhere = netip.MustParseAddr("192.168.1.8")
)

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newAccount(t *testing.T) (*Account, *clock, *sql.DB) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	st, err := state.Open(t.Context(), t.TempDir(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	a, err := New(Config{DB: st.DB(), Box: st.Box, Now: c.read, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return a, c, st.DB()
}

func claimed(t *testing.T) (*Account, *clock, *sql.DB) {
	t.Helper()
	a, c, db := newAccount(t)
	token, err := a.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Claim(t.Context(), token, good); err != nil {
		t.Fatal(err)
	}
	return a, c, db
}

func TestOfFiftyParallelClaimsOneWins(t *testing.T) {
	a, _, db := newAccount(t)
	token, err := a.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	results := make([]error, 50)
	for i := range results {
		wg.Go(func() { _, results[i] = a.Claim(t.Context(), token, fmt.Sprintf("password number %d", i)) })
	}
	wg.Wait()
	won := -1
	for i, err := range results {
		switch {
		case err == nil && won >= 0:
			t.Errorf("both %d and %d won", won, i)
		case err == nil:
			won = i
		case !errors.Is(err, ErrClaimed) && !errors.Is(err, ErrLink) && !errors.Is(err, ErrBusy):
			t.Errorf("claim %d: %v", i, err)
		}
	}
	if won < 0 {
		t.Fatal("nobody won")
	}
	if _, err := a.Login(t.Context(), here, "admin", fmt.Sprintf("password number %d", won)); err != nil {
		t.Errorf("the winner cannot log in: %v", err)
	}
	var n int
	if err := db.QueryRow("SELECT count(*) FROM admins").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d admins, %v", n, err)
	}
}

func TestALinkWorksOnceForADayAndOnlyTheLatest(t *testing.T) {
	a, c, _ := newAccount(t)
	link := func() string {
		token, err := a.NewLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	if a.LinkValid("") {
		t.Error("no token is a token")
	}
	first := link()
	if !a.LinkValid(first) {
		t.Error("the first is not valid: the test would prove nothing")
	}
	second := link()
	if first == second || a.LinkValid(first) || !a.LinkValid(second) {
		t.Error("the first outlives the second")
	}
	c.pass(linkLasts)
	if _, err := a.Claim(t.Context(), second, good); a.LinkValid(second) || !errors.Is(err, ErrLink) {
		t.Errorf("valid after a day: %v", err)
	}
	third := link()
	if _, err := a.Claim(t.Context(), third, "short"); err == nil || !a.LinkValid(third) {
		t.Errorf("a refused password (%v) uses the link up", err)
	}
	if _, err := a.Claim(t.Context(), third, good); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Claim(t.Context(), third, good); a.LinkValid(third) || !errors.Is(err, ErrLink) {
		t.Errorf("used twice: %v", err)
	}
	if _, err := a.NewLink(t.Context()); !errors.Is(err, ErrClaimed) {
		t.Errorf("a link for a claimed box: %v", err)
	}
}

func TestALinkThatNobodyAskedForEndsNone(t *testing.T) {
	a, c, _ := newAccount(t)
	asked, err := a.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if token, err := a.FirstLink(t.Context()); !errors.Is(err, ErrLinkGiven) || token != "" || !a.LinkValid(asked) {
		t.Errorf("a link that was not asked for: %v; the one that was is valid: %v", err, a.LinkValid(asked))
	}
	c.pass(linkLasts) // nobody can open it any more
	first, err := a.FirstLink(t.Context())
	if err != nil || !a.LinkValid(first) || a.LinkValid(asked) {
		t.Fatalf("with no other one that is valid: %v", err)
	}
	if asked, err = a.NewLink(t.Context()); err != nil || a.LinkValid(first) || !a.LinkValid(asked) {
		t.Errorf("one that is asked for ends the other: %v", err)
	}
	if _, err := a.Claim(t.Context(), asked, good); err != nil {
		t.Fatal(err)
	}
	if _, err := a.FirstLink(t.Context()); !errors.Is(err, ErrClaimed) {
		t.Errorf("a link for a claimed box: %v", err)
	}
}

func TestPasswordsAreJudged(t *testing.T) {
	for name, p := range map[string]string{
		"empty": "", "short": "abcdefghi", "long": strings.Repeat("abcde", 52), "repeated": strings.Repeat("ab", 10), "no text": "\xff\xfeabcdefghij",
	} {
		var bad *PasswordError
		if err := checkPassword(p); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, p := range []string{good, "длинный пароль", "7391846205", strings.Repeat("abxy", 64)} {
		if err := checkPassword(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestAThousandWrongLoginsCostTenHashesAndDontLockTheOwnerOut(t *testing.T) {
	a, _, _ := claimed(t)
	wrong, slowed := 0, 0
	for range 1000 {
		_, err := a.Login(t.Context(), here, "admin", "wrong password")
		var slow *ThrottledError
		switch {
		case errors.Is(err, ErrWrong):
			wrong++
		case errors.As(err, &slow) && slow.RetryAfter > 0 && slow.RetryAfter <= tryAgain:
			slowed++
		default:
			t.Fatal(err)
		}
	}
	if wrong != tries || slowed != 1000-tries {
		t.Errorf("%d were tried, %d slowed down", wrong, slowed)
	}
	if _, err := a.Login(t.Context(), here, "admin", good); err == nil {
		t.Error("the right password passes where wrong ones came from: guessing would not be slowed down")
	}
	if _, err := a.Login(t.Context(), elsewhere, "admin", good); err != nil {
		t.Errorf("the owner, elsewhere: %v", err)
	}
}

func TestWaitingHelpsAndTheRightPasswordClearsTheCount(t *testing.T) {
	a, c, _ := claimed(t)
	fail := func(n int) (err error) {
		for range n {
			_, err = a.Login(t.Context(), here, "admin", "wrong password")
		}
		return err
	}
	var slow *ThrottledError
	if err := fail(tries + 1); !errors.As(err, &slow) {
		t.Fatalf("not slowed down: %v", err)
	}
	c.pass(slow.RetryAfter)
	if _, err := a.Login(t.Context(), here, "admin", good); err != nil {
		t.Fatalf("after the time it named: %v", err)
	}
	if err := fail(tries); !errors.Is(err, ErrWrong) {
		t.Errorf("the count goes on after a right password: %v", err)
	}
}

func TestHashesAreComputedOneAtATimeBehindAShortQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher()
		release, started := make(chan struct{}), make(chan struct{}, 100)
		results := make(chan error, 100)
		for range 1 + waiting {
			go func() {
				results <- h.alone(t.Context(), func() error { started <- struct{}{}; <-release; return nil })
			}()
		}
		synctest.Wait()
		if len(started) != 1 {
			t.Errorf("%d are computed at once", len(started))
		}
		if err := h.alone(t.Context(), func() error { return nil }); !errors.Is(err, ErrBusy) {
			t.Errorf("one too many: %v", err)
		}
		close(release)
		for range 1 + waiting {
			if err := <-results; err != nil {
				t.Errorf("one of those who waited: %v", err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		h.turn <- struct{}{}
		if err := h.alone(ctx, func() error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("somebody who left still waits: %v", err)
		}
	})
}

func TestAStoredHashWithOtherCostsIsNotComputed(t *testing.T) {
	h := newHasher()
	salt := "$c29tZXNhbHRzb21lc2FsdA$" + strings.Repeat("A", 43)
	for _, costs := range []string{"m=4194304,t=2,p=1", "m=19456,t=1000,p=1", "m=19456,t=2,p=64"} {
		if _, err := h.matches(t.Context(), good, "$argon2id$v=19$"+costs+salt); err == nil || !strings.Contains(err.Error(), "costs") {
			t.Errorf("%s: %v", costs, err)
		}
	}
	if _, err := h.matches(t.Context(), good, "$argon2id$v=19$m=19456,t=2,p=1"+salt); err != nil {
		t.Errorf("our own costs: %v: the test would prove nothing", err)
	}
}

func TestAChangedPasswordEndsEverySession(t *testing.T) {
	a, c, _ := claimed(t)
	who, err := a.Login(t.Context(), here, "admin", good)
	if err != nil {
		t.Fatal(err)
	}
	store := a.Sessions()
	if err := store.CommitCtx(t.Context(), "h", []byte("data"), c.read().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := a.Valid(t.Context(), who); !ok || err != nil {
		t.Fatalf("not valid before: %v", err)
	}
	if err := a.SetPassword(t.Context(), "another password"); err != nil {
		t.Fatal(err)
	}
	if _, found, err := store.FindCtx(t.Context(), "h"); found || err != nil {
		t.Errorf("the session is still there: %v", err)
	}
	// One that was being made meanwhile is worth nothing either.
	if _, ok, err := a.Valid(t.Context(), who); ok || err != nil {
		t.Errorf("the login of before still counts: %v", err)
	}
	if _, err := a.Login(t.Context(), elsewhere, "admin", good); !errors.Is(err, ErrWrong) {
		t.Errorf("the old password: %v", err)
	}
}

func TestSessionsExpireAndAreRemoved(t *testing.T) {
	a, c, db := newAccount(t)
	store := a.Sessions()
	if err := store.CommitCtx(t.Context(), "old", []byte("1"), c.read().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if data, found, err := store.FindCtx(t.Context(), "old"); !found || string(data) != "1" || err != nil {
		t.Fatalf("%q, %v, %v", data, found, err)
	}
	c.pass(time.Hour)
	if _, found, _ := store.FindCtx(t.Context(), "old"); found {
		t.Error("found after its end")
	}
	if err := store.CommitCtx(t.Context(), "new", []byte("2"), c.read().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := store.CommitCtx(t.Context(), "new", []byte("3"), c.read().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow("SELECT count(*) FROM sessions").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d sessions are kept, %v", n, err)
	}
	if data, _, _ := store.FindCtx(t.Context(), "new"); string(data) != "3" {
		t.Errorf("data = %q", data)
	}
	if err := store.DeleteCtx(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	if _, found, _ := store.FindCtx(t.Context(), "new"); found {
		t.Error("found after it was deleted")
	}
}

func TestNobodyLogsInBeforeTheClaim(t *testing.T) {
	a, _, _ := newAccount(t)
	if _, err := a.Login(t.Context(), here, "admin", ""); !errors.Is(err, ErrWrong) {
		t.Errorf("login: %v", err)
	}
	if err := a.SetPassword(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Login(t.Context(), here, "admin", good); err != nil {
		t.Errorf("a password set on the box: %v", err)
	}
}
