package passkeys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"homeward/peers"
	"homeward/web/account"
)

// party is homeward as one site.
func party(s Site) (*webauthn.WebAuthn, error) {
	resident := true
	return webauthn.New(&webauthn.Config{
		RPID: s.Name, RPDisplayName: "homeward", RPOrigins: []string{s.Origin}, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{RequireResidentKey: &resident, ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired},
		// Some keepers of passwords tell more than they were asked for; it is not looked at.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
}

// holder is a user as the library wants one.
type holder struct {
	id          int64
	name        string
	credentials []webauthn.Credential
}

// WebAuthnID implements webauthn.User. It says nothing of who it is.
func (h holder) WebAuthnID() []byte { return []byte("homeward-" + strconv.FormatInt(h.id, 10)) }

// WebAuthnName implements webauthn.User.
func (h holder) WebAuthnName() string { return h.name }

// WebAuthnDisplayName implements webauthn.User.
func (h holder) WebAuthnDisplayName() string { return h.name }

// WebAuthnCredentials implements webauthn.User.
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.credentials }

// Add begins to make a passkey of u on a site, under a name by which u knows it, and
// returns what the browser is asked, to be sent as JSON. It fails with a
// *peers.FieldError about the name, or ErrTooMany.
func (b *Book) Add(ctx context.Context, s Site, u account.User, name string) (any, error) {
	called, err := peers.ParseName(name)
	if err != nil {
		return nil, err
	}
	h, err := b.store.holder(ctx, u.ID, s.Name)
	if err != nil {
		return nil, err
	}
	all, err := b.store.of(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	if len(all) >= MaxOfUser {
		return nil, ErrTooMany
	}
	p, err := party(s)
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	options, data, err := p.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.credentials).CredentialDescriptors()))
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	b.open.ask(question{data: *data, site: s, user: u.ID, name: string(called)})
	return options, nil
}

// Added takes the browser's answer to Add. It fails with ErrWrong or ErrLate.
func (b *Book) Added(ctx context.Context, s Site, u account.User, answer io.Reader) error {
	parsed, err := protocol.ParseCredentialCreationResponseBody(answer)
	if err != nil {
		return b.wrong("reading a new passkey", err)
	}
	q, ok := b.open.take(parsed.Response.CollectedClientData.Challenge, s, u.ID)
	if !ok {
		return ErrLate
	}
	p, err := party(s)
	if err != nil {
		return fmt.Errorf("taking a passkey: %w", err)
	}
	h, err := b.store.holder(ctx, u.ID, s.Name)
	if err != nil {
		return err
	}
	made, err := p.CreateCredential(h, q.data, parsed)
	if err != nil {
		return b.wrong("judging a new passkey", err)
	}
	if err := b.store.add(ctx, u.ID, q.name, s.Name, made, b.now()); err != nil {
		return err
	}
	b.log.Info("passkey added", "user", u.Name, "site", s.Name)
	return nil
}

// Ask begins a login by somebody at from, and returns what the browser is asked, to be
// sent as JSON. It fails with a *ThrottledError.
func (b *Book) Ask(from netip.Addr, s Site) (any, error) {
	if _, wait := b.throttle.Take(from); wait > 0 {
		return nil, &ThrottledError{wait}
	}
	p, err := party(s)
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	options, data, err := p.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("asking for a passkey: %w", err)
	}
	b.open.ask(question{data: *data, site: s})
	return options, nil
}

// Answered takes the browser's answer to Ask, and returns the number of the user whose
// passkey it is. It fails with ErrWrong or ErrLate.
func (b *Book) Answered(ctx context.Context, from netip.Addr, s Site, answer io.Reader) (user int64, err error) {
	parsed, err := protocol.ParseCredentialRequestResponseBody(answer)
	if err != nil {
		return 0, b.wrong("reading a passkey", err)
	}
	q, ok := b.open.take(parsed.Response.CollectedClientData.Challenge, s, 0)
	if !ok {
		return 0, ErrLate // without a question of ours, nobody can make us judge anything
	}
	p, err := party(s)
	if err != nil {
		return 0, fmt.Errorf("taking a passkey: %w", err)
	}
	var found holder
	used, err := p.ValidateDiscoverableLogin(func(id, handle []byte) (webauthn.User, error) {
		owner, err := b.store.owner(ctx, id, s.Name)
		if err == nil {
			found, err = b.store.holder(ctx, owner, s.Name)
		}
		if err == nil && !bytes.Equal(handle, found.WebAuthnID()) {
			err = ErrNone
		}
		return found, err
	}, q.data, parsed)
	if err == nil && used.Authenticator.CloneWarning {
		err = errors.New("its counter goes backwards: it seems to have been copied")
	}
	if err != nil {
		b.refused(from)
		return 0, b.wrong("judging a passkey", err)
	}
	return found.id, b.store.use(ctx, used, b.now())
}

// wrong says in the log what was wrong, which the browser's user cannot repair.
func (b *Book) wrong(doing string, err error) error {
	detail := err.Error()
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		detail = refusal.Details + " " + refusal.DevInfo
	}
	b.log.Warn("a passkey was refused", "step", doing, "why", fmt.Sprintf("%.200q", detail))
	return ErrWrong
}
