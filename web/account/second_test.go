package account

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// phone is an authenticator app.
type phone struct {
	t      *testing.T
	clock  *clock
	secret string
}

// code is what it shows some time from now.
func (p phone) code(in time.Duration) string {
	p.t.Helper()
	code, err := totp.GenerateCode(p.secret, p.clock.read().Add(in))
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

func userNamed(t *testing.T, a *Account, name string) User {
	t.Helper()
	u, _, err := a.store.named(t.Context(), name)
	if err != nil || u.ID == 0 {
		t.Fatalf("%q: %v, %v", name, u, err)
	}
	return u
}

// secured is a claimed account whose admin switched the second step on.
func secured(t *testing.T) (*Account, *clock, phone, []string) {
	t.Helper()
	a, c, _ := claimed(t)
	u := userNamed(t, a, "admin")
	if err := a.BeginSecondStep(t.Context(), here, u, good); err != nil {
		t.Fatal(err)
	}
	begun, ok, err := a.BegunSecondStep(t.Context(), u)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	p := phone{t, c, begun.Secret.Reveal()}
	_, codes, err := a.ConfirmSecondStep(t.Context(), here, u, p.code(0))
	if err != nil {
		t.Fatal(err)
	}
	c.pass(time.Minute)
	return a, c, p, codes
}

func halfIn(t *testing.T, a *Account) Admin {
	t.Helper()
	who, err := a.Login(t.Context(), here, "admin", good)
	if err != nil || !who.Half {
		t.Fatalf("%+v, %v: want half a login", who, err)
	}
	return who
}

func TestThePasswordAloneIsNotEnough(t *testing.T) {
	a, _, p, _ := secured(t)
	who := halfIn(t, a)
	for name, w := range map[string]Admin{"half": who, "half, said to be whole": {ID: who.ID, Seal: who.Seal}} {
		if _, ok, err := a.Valid(t.Context(), w); ok || err != nil {
			t.Errorf("%s: valid = %v, %v", name, ok, err)
		}
	}
	if _, err := a.Second(t.Context(), here, who, "000000"); !errors.Is(err, ErrWrongCode) {
		t.Errorf("a wrong code: %v", err)
	}
	whole, err := a.Second(t.Context(), here, who, p.code(0))
	if err != nil {
		t.Fatal(err)
	}
	if u, ok, err := a.Valid(t.Context(), whole); !ok || err != nil || !u.SecondStep {
		t.Errorf("after the code: %+v, %v, %v", u, ok, err)
	}
	if _, err := a.Second(t.Context(), here, whole, p.code(30*time.Second)); !errors.Is(err, ErrStartAgain) {
		t.Errorf("from somebody who did not begin: %v", err)
	}
}

func TestACodeWorksOnceAndHalfAMinuteOff(t *testing.T) {
	a, c, p, _ := secured(t)
	for _, tt := range []struct {
		off  time.Duration
		want error
	}{{-time.Minute, ErrWrongCode}, {time.Minute, ErrWrongCode}, {-30 * time.Second, nil}, {0, nil}, {30 * time.Second, nil}, {30 * time.Second, ErrWrongCode}, {0, ErrWrongCode}} {
		if _, err := a.Second(t.Context(), here, halfIn(t, a), p.code(tt.off)); !errors.Is(err, tt.want) {
			t.Errorf("%v off: %v, want %v", tt.off, err, tt.want)
		}
	}
	c.pass(2 * time.Minute)
	code, who := p.code(0), halfIn(t, a)
	spaced := " " + code[:3] + " " + code[3:]
	var wg sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		wg.Go(func() { _, results[i] = a.Second(t.Context(), here, who, spaced) })
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, ErrWrongCode) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("one code at the same moment let %d in", won)
	}
}

func TestTheCodeThatSwitchedItOnDoesNotLogIn(t *testing.T) {
	a, _, p, _ := secured(t)
	if _, err := a.Second(t.Context(), here, halfIn(t, a), p.code(-time.Minute)); !errors.Is(err, ErrWrongCode) {
		t.Error(err)
	}
}

func TestEachRecoveryCodeWorksOnceAlsoWithAWrongClock(t *testing.T) {
	a, c, p, codes := secured(t)
	if len(codes) != recoveryCodes {
		t.Fatalf("%d codes", len(codes))
	}
	onPhone := p.code(0)
	c.pass(-30 * 365 * 24 * time.Hour) // a board without a battery
	if _, err := a.Second(t.Context(), here, halfIn(t, a), onPhone); !errors.Is(err, ErrWrongCode) {
		t.Fatalf("the phone's: %v", err)
	}
	seen := map[string]bool{}
	for i, code := range codes {
		if seen[code] || len(code) != 19 {
			t.Errorf("%d has %d characters, or is there twice", i, len(code))
		}
		seen[code] = true
		typed := code
		if i == 0 {
			typed = " " + strings.ToUpper(strings.ReplaceAll(code, "-", " ")) // as people type
		}
		if _, err := a.Second(t.Context(), here, halfIn(t, a), typed); err != nil {
			t.Errorf("%d: %v", i, err)
		}
		if _, err := a.Second(t.Context(), here, halfIn(t, a), code); !errors.Is(err, ErrWrongCode) {
			t.Errorf("%d again: %v", i, err)
		}
		if left, err := a.RecoveryCodesLeft(t.Context(), userNamed(t, a, "admin")); err != nil || left != recoveryCodes-1-i {
			t.Errorf("%d are left, %v", left, err)
		}
	}
}

func TestWrongCodesAreSlowedDownAlsoWithTheRightPassword(t *testing.T) {
	a, c, p, _ := secured(t)
	who, wrong := halfIn(t, a), 0
	var slow *ThrottledError
	for range 50 {
		if w, err := a.Login(t.Context(), here, "admin", good); err == nil {
			who = w // the password is known, and buys no more tries
		}
		if _, err := a.Second(t.Context(), here, who, "000000"); errors.Is(err, ErrWrongCode) {
			wrong++
		} else if !errors.As(err, &slow) {
			t.Fatal(err)
		}
	}
	if wrong != tries || slow == nil || slow.Codes {
		t.Fatalf("%d were tried, want %d; %v", wrong, tries, slow)
	}
	if _, err := a.Second(t.Context(), elsewhere, who, p.code(0)); err != nil {
		t.Errorf("the owner, elsewhere: %v", err)
	}
	// Who has many places has no more tries.
	wrong, slow = 0, nil
	for i := range 50 {
		from := netip.MustParseAddr(fmt.Sprintf("10.0.0.%d", i))
		if _, err := a.Second(t.Context(), from, who, "000000"); errors.Is(err, ErrWrongCode) {
			wrong++
		} else if !errors.As(err, &slow) || !slow.Codes {
			t.Fatal(err)
		}
	}
	if wrong != codeTries || slow == nil {
		t.Fatalf("%d were tried from many places, want %d", wrong, codeTries)
	}
	c.pass(slow.RetryAfter)
	if _, err := a.Second(t.Context(), elsewhere, who, p.code(0)); err != nil {
		t.Errorf("after the time it named: %v", err)
	}
}

func TestTheSecondStepIsSwitchedByWhoCanProveIt(t *testing.T) {
	a, c, db := claimed(t)
	u := userNamed(t, a, "admin")
	before, err := a.Login(t.Context(), here, "admin", good)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.BeginSecondStep(t.Context(), here, u, "not the password"); !errors.Is(err, ErrWrong) {
		t.Errorf("beginning without the password: %v", err)
	}
	if _, _, err := a.ConfirmSecondStep(t.Context(), here, u, "000000"); !errors.Is(err, ErrSecondStep) {
		t.Errorf("confirming nothing: %v", err)
	}
	if err := a.BeginSecondStep(t.Context(), here, u, good); err != nil {
		t.Fatal(err)
	}
	begun, _, err := a.BegunSecondStep(t.Context(), u)
	if err != nil || !strings.HasPrefix(begun.URL.Reveal(), "otpauth://totp/homeward:admin?") {
		t.Fatal(begun.URL.Reveal(), err)
	}
	p := phone{t, c, begun.Secret.Reveal()}
	if _, _, err := a.ConfirmSecondStep(t.Context(), here, u, "000000"); !errors.Is(err, ErrWrongCode) {
		t.Errorf("confirming with a wrong code: %v", err)
	}
	if who, err := a.Login(t.Context(), here, "admin", good); err != nil || who.Half {
		t.Errorf("what was only begun is asked for: %+v, %v", who, err)
	}
	now, codes, err := a.ConfirmSecondStep(t.Context(), here, u, p.code(0))
	if err != nil {
		t.Fatal(err)
	}
	valid := func(who Admin) bool {
		_, ok, err := a.Valid(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if valid(before) || !valid(now) {
		t.Errorf("the session of before %v, the one that switched it on %v", valid(before), valid(now))
	}
	var sealed []byte
	if err := db.QueryRow("SELECT totp_sealed FROM admins").Scan(&sealed); err != nil || bytes.Contains(sealed, []byte(p.secret)) {
		t.Errorf("the secret is stored as it is (%v)", err)
	}
	if _, ok, err := a.BegunSecondStep(t.Context(), userNamed(t, a, "admin")); ok || err != nil {
		t.Errorf("the secret can be seen again: %v", err)
	}
	u = userNamed(t, a, "admin")
	if err := a.BeginSecondStep(t.Context(), here, u, good); !errors.Is(err, ErrSecondStep) {
		t.Errorf("another one in its place: %v", err)
	}
	if changed, err := a.ChangePassword(t.Context(), here, u, good, good+"2"); err != nil || changed.Half || !valid(changed) {
		t.Errorf("changing the password: %+v, %v", changed, err)
	}
	for name, try := range map[string][2]string{"no password": {good, codes[0]}, "no code": {good + "2", "000000"}} {
		if _, err := a.EndSecondStep(t.Context(), here, u, try[0], try[1]); !errors.Is(err, ErrWrong) && !errors.Is(err, ErrWrongCode) {
			t.Errorf("%s: %v", name, err)
		}
	}
	off, err := a.EndSecondStep(t.Context(), here, u, good+"2", codes[0])
	if err != nil || !valid(off) {
		t.Fatalf("switching it off: %v", err)
	}
	if who, err := a.Login(t.Context(), here, "admin", good+"2"); err != nil || who.Half || valid(before) || valid(now) {
		t.Errorf("afterwards: %+v, %v", who, err)
	}
}

func TestALostPhoneIsForgottenOnTheBox(t *testing.T) {
	a, _, _, codes := secured(t)
	if err := a.SetPassword(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	who := halfIn(t, a) // another password forgets no second step
	if err := a.RemoveSecondStep(t.Context(), "nobody"); !errors.Is(err, ErrNoUser) {
		t.Error(err)
	}
	if err := a.RemoveSecondStep(t.Context(), "admin"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Second(t.Context(), here, who, codes[0]); !errors.Is(err, ErrStartAgain) {
		t.Errorf("half a login of before: %v", err)
	}
	if who, err := a.Login(t.Context(), here, "admin", good); err != nil || who.Half {
		t.Errorf("afterwards: %+v, %v", who, err)
	}
	if err := a.RemoveSecondStep(t.Context(), "admin"); !errors.Is(err, ErrNoSecondStep) {
		t.Errorf("again: %v", err)
	}
}

// With a secret that cannot be opened any more, the recovery codes still work.
func TestALostVaultKeyLeavesTheRecoveryCodes(t *testing.T) {
	a, _, p, codes := secured(t)
	if _, err := a.store.db.Exec("UPDATE admins SET totp_sealed = x'00'"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Second(t.Context(), here, halfIn(t, a), p.code(0)); !errors.Is(err, ErrWrongCode) {
		t.Errorf("a code: %v", err)
	}
	if _, err := a.Second(t.Context(), here, halfIn(t, a), codes[0]); err != nil {
		t.Errorf("a recovery code: %v", err)
	}
}

// Who knows only the password tries codes from everywhere, without end.
func TestTheOwnerGetsInWhileSomebodyElseTriesCodes(t *testing.T) {
	a, c, p, codes := secured(t)
	who := halfIn(t, a)
	attack := func() (slowed bool) {
		for i := range 50 {
			_, err := a.Second(t.Context(), netip.MustParseAddr(fmt.Sprintf("10.0.0.%d", i)), who, "000000")
			var slow *ThrottledError
			slowed = errors.As(err, &slow) && slow.Codes
		}
		return slowed
	}
	for range 3 {
		if !attack() {
			t.Fatal("the attack was not slowed down: the test looks at nothing")
		}
		if _, err := a.Second(t.Context(), here, who, p.code(0)); err != nil { // where the owner was before
			t.Errorf("the owner at home, with the app: %v", err)
		}
		c.pass(time.Minute)
	}
	attack()
	var slow *ThrottledError
	if _, err := a.Second(t.Context(), elsewhere, who, p.code(0)); !errors.As(err, &slow) {
		t.Errorf("a place that is not known: %v, want it to be slowed down with all others", err)
	}
	if _, err := a.Second(t.Context(), elsewhere, who, codes[0]); err != nil {
		t.Errorf("the owner elsewhere, with a recovery code: %v", err)
	}
	c.pass(time.Minute)
	if _, err := a.Second(t.Context(), elsewhere, who, p.code(0)); err != nil {
		t.Errorf("the owner elsewhere, once it is known: %v", err)
	}
	// A known place has tries of its own, not endless ones.
	wrong := 0
	for range 50 {
		if _, err := a.Second(t.Context(), here, who, "000000"); errors.Is(err, ErrWrongCode) {
			wrong++
		}
	}
	if wrong > tries {
		t.Errorf("%d were tried from a known place, want at most %d", wrong, tries)
	}
}

func TestOnlyTheLatestPlacesAreKnown(t *testing.T) {
	c := &codeLimits{now: time.Now}
	at := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("10.0.0.%d", i)) }
	for i := range 100 {
		c.know(1, at(i))
	}
	if got := len(c.byUser[1].known); got != maxKnown {
		t.Errorf("%d places are known, want %d", got, maxKnown)
	}
	for range codeTries {
		c.take(1, at(0)) // forgotten: among the strangers
	}
	if _, wait := c.take(1, at(50)); wait == 0 {
		t.Error("a forgotten place is not counted with the strangers")
	}
	if _, wait := c.take(1, at(99)); wait != 0 {
		t.Errorf("the latest place waits %v", wait)
	}
}

func TestRecoveryCodesAreMadeAnew(t *testing.T) {
	a, c, p, old := secured(t)
	u := userNamed(t, a, "admin")
	in, err := a.Second(t.Context(), here, halfIn(t, a), p.code(0))
	if err != nil {
		t.Fatal(err)
	}
	c.pass(time.Minute)
	for _, try := range [][2]string{{"not the password", p.code(0)}, {good, "000000"}, {good, ""}} {
		if codes, err := a.NewRecoveryCodes(t.Context(), here, u, try[0], try[1]); err == nil || codes != nil {
			t.Fatalf("%q: %v, %v", try, codes, err)
		}
	}
	if left, _ := a.RecoveryCodesLeft(t.Context(), u); left != recoveryCodes {
		t.Fatalf("after attempts %d are left", left)
	}
	anew, err := a.NewRecoveryCodes(t.Context(), here, u, good, old[3]) // the phone is lost
	if err != nil || len(anew) != recoveryCodes {
		t.Fatal(anew, err)
	}
	if _, err := a.Second(t.Context(), here, halfIn(t, a), old[4]); !errors.Is(err, ErrWrongCode) {
		t.Errorf("one of before: %v", err)
	}
	if _, err := a.Second(t.Context(), here, halfIn(t, a), anew[0]); err != nil {
		t.Errorf("a new one: %v", err)
	}
	if left, _ := a.RecoveryCodesLeft(t.Context(), u); left != recoveryCodes-1 {
		t.Errorf("%d are left", left)
	}
	if _, ok, err := a.Valid(t.Context(), in); !ok || err != nil {
		t.Errorf("the login of before ended: %v", err)
	}
	if _, err := a.Second(t.Context(), here, halfIn(t, a), p.code(0)); err != nil {
		t.Errorf("the app: %v", err)
	}
	if _, err := a.EndSecondStep(t.Context(), here, userNamed(t, a, "admin"), good, anew[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := a.NewRecoveryCodes(t.Context(), here, userNamed(t, a, "admin"), good, anew[2]); !errors.Is(err, ErrNoSecondStep) {
		t.Errorf("without a second step: %v", err)
	}
	if err := a.store.replaceRecovery(t.Context(), u.ID, nil); !errors.Is(err, ErrNoSecondStep) {
		t.Errorf("switched off meanwhile: %v", err)
	}
}
