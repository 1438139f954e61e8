package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"homeward/configs/secret"
)

// RFC 6238 as every authenticator app does it: six digits, SHA-1, half a minute.
const (
	stepLasts = 30 // seconds
	stepDrift = 1  // steps that the phone's clock may differ
	digits    = otp.DigitsSix
)

// A recovery code has 80 random bits: too many to guess them from a hash that is
// quick to compute.
const (
	recoveryCodes = 10
	recoveryBytes = 10
	recoveryGroup = 4 // characters between two dashes
)

// The errors of the second step.
var (
	// ErrWrongCode also stands for a code that was used before.
	ErrWrongCode = errors.New("that is not the code of this moment, or it was used already")
	// ErrStartAgain means that a half Admin is not one any more.
	ErrStartAgain   = errors.New("that took too long: enter the password again")
	ErrSecondStep   = errors.New("the second step is switched on already, or its code is not the one that is shown now")
	ErrNoSecondStep = errors.New("this user has no second step")
)

// SecondStep is what an authenticator app is given.
type SecondStep struct {
	URL    secret.Text // otpauth://, for a QR code
	Secret secret.Text // base32, for typing
}

// half is u after the password and before the code. Its seal is none that Valid takes.
func half(u User, hash string) Admin {
	return Admin{ID: u.ID, Seal: seal("half\n"+hash, u.changes), Half: true}
}

// Second takes the code, or a recovery code, of somebody at from who knew the
// password. It fails with ErrWrongCode, ErrStartAgain or a *ThrottledError.
func (a *Account) Second(ctx context.Context, from netip.Addr, who Admin, code string) (Admin, error) {
	u, hash, err := a.store.numbered(ctx, who.ID)
	if err != nil {
		return Admin{}, err
	}
	if !u.SecondStep || who != half(u, hash) {
		return Admin{}, ErrStartAgain
	}
	if err := a.takeCode(ctx, from, u, code); err != nil {
		return Admin{}, err
	}
	return admin(u, hash), nil
}

// BeginSecondStep makes a secret for who is logged in and says the password. It
// counts from ConfirmSecondStep on. It fails with ErrSecondStep where there is one,
// and as Login does.
func (a *Account) BeginSecondStep(ctx context.Context, from netip.Addr, u User, password string) error {
	if _, _, err := a.check(ctx, from, u.Name, password); err != nil {
		return err
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "homeward", AccountName: u.Name})
	if err != nil {
		return fmt.Errorf("making a second step: %w", err)
	}
	box, err := a.box()
	if err != nil {
		return err
	}
	return a.store.setSecret(ctx, u.ID, box.Seal(purpose(u), []byte(key.Secret())))
}

// purpose ties a sealed secret to its user.
func purpose(u User) string { return fmt.Sprintf("second step of user %d", u.ID) }

// BegunSecondStep is what waits for its first code; ok is false when nothing does.
func (a *Account) BegunSecondStep(ctx context.Context, u User) (s SecondStep, ok bool, err error) {
	sealed, on, err := a.store.sealedSecret(ctx, u.ID)
	if err != nil || on || sealed == nil {
		return SecondStep{}, false, err
	}
	text, err := a.open(u, sealed)
	if err != nil {
		return SecondStep{}, false, err
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil {
		return SecondStep{}, false, fmt.Errorf("reading the second step: %w", err)
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "homeward", AccountName: u.Name, Secret: raw})
	if err != nil {
		return SecondStep{}, false, fmt.Errorf("reading the second step: %w", err)
	}
	return SecondStep{secret.NewText(key.URL()), secret.NewText(text)}, true, nil
}

// ConfirmSecondStep switches on what was begun, and returns the recovery codes, which
// nobody can see again. All other sessions of that user end: only the returned Admin is
// valid. It fails with ErrWrongCode, ErrSecondStep or a *ThrottledError.
func (a *Account) ConfirmSecondStep(ctx context.Context, from netip.Addr, u User, code string) (Admin, []string, error) {
	sealed, on, err := a.store.sealedSecret(ctx, u.ID)
	if err != nil {
		return Admin{}, nil, err
	}
	if on || sealed == nil {
		return Admin{}, nil, ErrSecondStep
	}
	var step int64
	var codes []string
	err = a.slowed(from, u, true, func() error {
		if step, err = a.stepOf(u, sealed, plainCode(code)); err != nil {
			return err
		}
		var hashes [][]byte
		codes, hashes = newRecoveryCodes()
		return a.store.switchOn(ctx, u.ID, sealed, step, hashes)
	})
	if err != nil {
		return Admin{}, nil, err
	}
	a.log.Info("second step of the login switched on", "user", u.Name)
	who, err := a.again(ctx, u)
	return who, codes, err
}

// EndSecondStep switches it off for who is logged in and says the password and a code.
// All other sessions of that user end: only the returned Admin is valid. It fails with
// ErrNoSecondStep, ErrWrongCode, and as Login does.
func (a *Account) EndSecondStep(ctx context.Context, from netip.Addr, u User, password, code string) (Admin, error) {
	if !u.SecondStep {
		return Admin{}, ErrNoSecondStep
	}
	if err := a.Confirm(ctx, from, u, password, code); err != nil {
		return Admin{}, err
	}
	if err := a.store.switchOff(ctx, u.ID); err != nil {
		return Admin{}, err
	}
	a.log.Info("second step of the login switched off", "user", u.Name)
	return a.again(ctx, u)
}

// NewRecoveryCodes makes other recovery codes for who is logged in and says the
// password and a code; those of before count no more. It fails with ErrNoSecondStep,
// ErrWrongCode, and as Login does.
func (a *Account) NewRecoveryCodes(ctx context.Context, from netip.Addr, u User, password, code string) ([]string, error) {
	if !u.SecondStep {
		return nil, ErrNoSecondStep
	}
	if err := a.Confirm(ctx, from, u, password, code); err != nil {
		return nil, err
	}
	codes, hashes := newRecoveryCodes()
	if err := a.store.replaceRecovery(ctx, u.ID, hashes); err != nil {
		return nil, err
	}
	a.log.Info("recovery codes of the second step made anew", "user", u.Name)
	return codes, nil
}

// Confirm asks who is logged in once more for all that a login takes: the password
// and, where there is a second step, a code. It fails with ErrWrongCode, and as Login
// does.
func (a *Account) Confirm(ctx context.Context, from netip.Addr, u User, password, code string) error {
	if _, _, err := a.check(ctx, from, u.Name, password); err != nil || !u.SecondStep {
		return err
	}
	return a.takeCode(ctx, from, u, code)
}

// RemoveSecondStep switches it off for whoever lost the phone, and ends that user's
// sessions. It fails with ErrNoUser or ErrNoSecondStep.
func (a *Account) RemoveSecondStep(ctx context.Context, name string) error {
	u, _, err := a.store.named(ctx, name)
	if err != nil {
		return err
	}
	if u.ID == 0 || name == "" {
		return ErrNoUser
	}
	if err := a.store.switchOff(ctx, u.ID); err != nil {
		return err
	}
	a.codes.forget(u.ID)
	a.log.Info("second step of the login removed on the box", "user", name)
	return nil
}

// RecoveryCodesLeft is how many of u's recovery codes were not used yet.
func (a *Account) RecoveryCodesLeft(ctx context.Context, u User) (int, error) {
	return a.store.recoveryLeft(ctx, u.ID)
}

// Now is the time by which codes are judged.
func (a *Account) Now() time.Time { return a.store.now() }

// again is the Admin that u is after a change.
func (a *Account) again(ctx context.Context, u User) (Admin, error) {
	u, hash, err := a.store.numbered(ctx, u.ID)
	return admin(u, hash), err
}

// takeCode uses up u's code of now, or a recovery code.
func (a *Account) takeCode(ctx context.Context, from netip.Addr, u User, code string) error {
	code = plainCode(code)
	guessable := len(code) == digits.Length()
	return a.slowed(from, u, guessable, func() error {
		if !guessable {
			hash := sha256.Sum256([]byte(code))
			return a.store.useRecovery(ctx, u.ID, hash[:])
		}
		sealed, _, err := a.store.sealedSecret(ctx, u.ID)
		if err != nil {
			return err
		}
		step, err := a.stepOf(u, sealed, code)
		if err != nil {
			return err
		}
		return a.store.useStep(ctx, u.ID, step)
	})
}

// slowed tries a code, unless too many from there, or of that user, were wrong. A
// recovery code is not guessable: it always gets its user in, however many codes
// somebody else tried who knows the password.
func (a *Account) slowed(from netip.Addr, u User, guessable bool, try func() error) error {
	undo, wait := a.throttle.Take(from)
	if wait > 0 {
		return &ThrottledError{RetryAfter: wait}
	}
	giveBack := func() {}
	if guessable {
		if giveBack, wait = a.codes.take(u.ID, from); wait > 0 {
			undo()
			return &ThrottledError{RetryAfter: wait, Codes: true}
		}
	}
	err := try()
	switch {
	case err == nil:
		giveBack()
		a.throttle.Forgive(from)
		a.codes.know(u.ID, from)
	case errors.Is(err, ErrWrongCode):
		a.log.Warn("wrong code for the admin page", "user", u.Name, "from", from)
		a.refused(RefusedCode, from, u.Name)
	}
	return err
}

// stepOf is the time step, near the one of now, of which code is the code. It fails
// with ErrWrongCode, also when the secret cannot be read: recovery codes go on to work.
func (a *Account) stepOf(u User, sealed []byte, code string) (int64, error) {
	text, err := a.open(u, sealed)
	if err != nil {
		a.log.Error("the second step of a user cannot be read: only recovery codes work", "user", u.Name, "err", err)
		return 0, ErrWrongCode
	}
	now := a.Now().Unix() / stepLasts
	for step := max(now-stepDrift, 0); step <= now+stepDrift; step++ {
		ok, err := hotp.ValidateCustom(code, uint64(step), text, hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok {
			return step, nil
		}
	}
	return 0, ErrWrongCode
}

func (a *Account) open(u User, sealed []byte) (string, error) {
	box, err := a.box()
	if err != nil {
		return "", err
	}
	text, err := box.Open(purpose(u), sealed)
	if err != nil {
		return "", fmt.Errorf("reading the second step: %w", err)
	}
	return string(text), nil
}

// plainCode is a code without what people type between its groups.
func plainCode(code string) string {
	return strings.ToLower(strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(code))
}

// newRecoveryCodes makes codes to be shown and the hashes to be kept.
func newRecoveryCodes() (codes []string, hashes [][]byte) {
	for range recoveryCodes {
		var b [recoveryBytes]byte
		rand.Read(b[:]) // never fails
		plain := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
		hash := sha256.Sum256([]byte(plain))
		codes, hashes = append(codes, Grouped(plain, "-")), append(hashes, hash[:])
	}
	return codes, hashes
}

// Grouped is a code in groups of four, for people who type it.
func Grouped(code, between string) string {
	var b strings.Builder
	for i, r := range code {
		if i > 0 && i%recoveryGroup == 0 {
			b.WriteString(between)
		}
		b.WriteRune(r)
	}
	return b.String()
}
