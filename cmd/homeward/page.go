package main

import (
	"context"
	"errors"
	"fmt"

	"homeward/cmd/homeward/internal/hostnet"
	"homeward/configs/backup"
	"homeward/web"
	"homeward/web/account"
	"homeward/web/api"
)

// adminPage is the admin page with its sockets.
type adminPage struct {
	*pageSockets
	account *account.Account
	box     doer // who is on the box
	web     *web.Server
}

// openPage makes the page and opens its sockets.
func (a *appliance) openPage(host hostnet.Host) (*adminPage, error) {
	p := &adminPage{account: a.account, box: doer{a.events.Publish, onTheBox}}
	var err error
	did := func(ctx context.Context, cause string, about ...string) {
		doer{a.events.Publish, onThePage}.did(ctx, cause, nil, about...)
	}
	names := func() []string { return pageNames(a.settings) }
	certificate := func() (fingerprint, words string) { return p.fingerprint, p.words }
	p.web, err = web.New(web.Config{Config: a.api(onThePage), Account: a.account, Bearers: a.tokens, Passkeys: a.passkeys, MaxBackup: backup.MaxSize, BackupHolder: a.restorer, Names: names, Proxies: a.settings.Proxies, Did: did, Certificate: certificate, Secure: !a.settings.PlainHTTP})
	if err != nil {
		return nil, err
	}
	p.pageSockets, err = openPageSockets(a.state, a.settings, host, p.web.Handler(), a.log)
	return p, err
}

// Close closes a page that was opened and is not run after all.
func (p *adminPage) Close() {
	p.web.Close()
	p.pageSockets.Close()
}

// Run serves the page until ctx ends.
func (p *adminPage) Run(ctx context.Context) error {
	defer p.web.Close()
	stop := context.AfterFunc(ctx, p.web.Close) // live pages end, so that the sockets can
	defer stop()
	return p.pageSockets.Run(ctx)
}

// SetPassword implements api.Admin.
func (p *adminPage) SetPassword(ctx context.Context, password string) error {
	err := p.account.SetPassword(ctx, password)
	p.box.did(ctx, web.PasswordReset, err)
	return err
}

// SetupLink implements api.Admin.
func (p *adminPage) SetupLink(ctx context.Context) (api.SetupLink, error) {
	token, err := p.account.NewLink(ctx)
	if err != nil {
		return api.SetupLink{}, err
	}
	return p.link(token), nil
}

func (p *adminPage) link(token string) api.SetupLink {
	return api.SetupLink{URL: p.base + "/setup?token=" + token, Fingerprint: p.fingerprint, Words: p.words}
}

// announce says where the page is, and how it is claimed if it is not yet. It comes some
// seconds after the start, when somebody may have asked for a link, and leaves that one.
func (p *adminPage) announce(ctx context.Context, tty terminal) error {
	token, err := p.account.FirstLink(ctx)
	switch {
	case errors.Is(err, account.ErrClaimed):
		_, err = fmt.Fprintf(tty.out, "\nAdmin page: %s\n", p.base)
		return err
	case errors.Is(err, account.ErrLinkGiven):
		_, err = fmt.Fprintf(tty.out, "\nAdmin page: %s\nThe setup link that was asked for sets it up. 'homeward admin setup-link' prints another one.\n", p.base)
		return err
	case err != nil:
		return err
	}
	return printLink(tty, p.link(token))
}
