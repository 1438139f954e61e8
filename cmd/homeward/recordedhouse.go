package main

import (
	"context"
	"strings"
	"time"

	"homeward/peers/history"
	"homeward/web"
	"homeward/web/account"
	"homeward/web/api"
)

// doer writes down what somebody did.
type doer struct {
	publish func(history.Event)
	actor   string // who they are, unless they are logged in
}

// who is the user that a request is from, or the actor. One who is called as
// another place is called cannot be taken for it.
func (d doer) who(ctx context.Context) string {
	if name := web.CallerName(ctx); name != "" && name != onThePage && name != onTheBox {
		return name
	}
	return d.actor
}

// did tells it, unless it failed, and to which user, if to one.
func (d doer) did(ctx context.Context, cause string, err error, about ...string) {
	if err == nil {
		d.publish(history.Event{At: time.Now(), Kind: history.AdminAction, Actor: d.who(ctx), Cause: cause, Name: strings.Join(about, ", ")})
	}
}

// ports is api.Forwards under a name that none of its methods has, so that it can
// be embedded.
type ports = api.Forwards

// recordedForwards are the ports for people: what they do is written down.
type recordedForwards struct {
	ports
	doer
}

// OpenForward implements api.Forwards.
func (r recordedForwards) OpenForward(ctx context.Context, n api.NewForward) (api.Forward, error) {
	f, err := r.ports.OpenForward(ctx, n)
	r.did(ctx, "forward-opened", err)
	return f, err
}

// SwitchForward implements api.Forwards.
func (r recordedForwards) SwitchForward(ctx context.Context, id int64, on bool) (api.Forward, error) {
	f, err := r.ports.SwitchForward(ctx, id, on)
	r.did(ctx, map[bool]string{true: "forward-on", false: "forward-off"}[on], err)
	return f, err
}

// RemoveForward implements api.Forwards.
func (r recordedForwards) RemoveForward(ctx context.Context, id int64) error {
	err := r.ports.RemoveForward(ctx, id)
	r.did(ctx, "forward-removed", err)
	return err
}

// recordedRouter is the router for people.
type recordedRouter struct {
	api.Router
	doer
}

// ClosePort implements api.Router.
func (r recordedRouter) ClosePort(ctx context.Context, protocol string, external uint16) error {
	err := r.Router.ClosePort(ctx, protocol, external)
	r.did(ctx, "port-closed", err)
	return err
}

// ForwardByHand implements api.Router.
func (r recordedRouter) ForwardByHand(ctx context.Context, router string) error {
	err := r.Router.ForwardByHand(ctx, router)
	r.did(ctx, "by-hand", err)
	return err
}

// AskRouterAgain implements api.Router.
func (r recordedRouter) AskRouterAgain(ctx context.Context) error {
	err := r.Router.AskRouterAgain(ctx)
	r.did(ctx, "not-by-hand", err)
	return err
}

// recordedDNS is the keeper of the house's name for people.
type recordedDNS struct {
	api.DNS
	doer
}

// SetDNSName implements api.DNS.
func (r recordedDNS) SetDNSName(ctx context.Context, n api.NewDNSName) error {
	err := r.DNS.SetDNSName(ctx, n)
	r.did(ctx, "dns-name", err)
	return err
}

// RemoveDNSName implements api.DNS.
func (r recordedDNS) RemoveDNSName(ctx context.Context) error {
	err := r.DNS.RemoveDNSName(ctx)
	r.did(ctx, "dns-name-removed", err)
	return err
}

// settingsOfHouse is api.House under a name that none of its methods has.
type settingsOfHouse = api.House

// recordedHouse is the settings of the house for people.
type recordedHouse struct {
	settingsOfHouse
	doer
}

// ChangeSettings implements api.House.
func (r recordedHouse) ChangeSettings(ctx context.Context, c api.SettingsChange) error {
	err := r.settingsOfHouse.ChangeSettings(ctx, c)
	r.did(ctx, "settings", err)
	return err
}

// recordedRenumberer is what moves the tunnel, for people.
type recordedRenumberer struct {
	api.Renumberer
	doer
}

// Renumber implements api.Renumberer.
func (r recordedRenumberer) Renumber(ctx context.Context, in api.RenumberWanted) (api.Renumbered, error) {
	done, err := r.Renumberer.Renumber(ctx, in)
	if !in.DryRun {
		r.did(ctx, "renumbered", err)
	}
	return done, err
}

// accounts is api.Accounts under a name that none of its methods has.
type accounts = api.Accounts

// recordedAccounts are the users for people.
type recordedAccounts struct {
	accounts
	doer
}

// AddUser implements api.Accounts.
func (r recordedAccounts) AddUser(ctx context.Context, n account.NewUser) error {
	err := r.accounts.AddUser(ctx, n)
	r.did(ctx, web.UserAdded, err, n.Name)
	return err
}

// ChangeUser implements api.Accounts.
func (r recordedAccounts) ChangeUser(ctx context.Context, name string, c account.UserChange) error {
	err := r.accounts.ChangeUser(ctx, name, c)
	r.did(ctx, web.UserChanged, err, name)
	return err
}

// RemoveUser implements api.Accounts.
func (r recordedAccounts) RemoveUser(ctx context.Context, name string) error {
	err := r.accounts.RemoveUser(ctx, name)
	r.did(ctx, web.UserRemoved, err, name)
	return err
}

// ResetPassword implements api.Accounts.
func (r recordedAccounts) ResetPassword(ctx context.Context, name, password string) error {
	err := r.accounts.ResetPassword(ctx, name, password)
	r.did(ctx, web.PasswordReset, err, name)
	return err
}

// RemoveSecondStep implements api.Accounts.
func (r recordedAccounts) RemoveSecondStep(ctx context.Context, name string) error {
	err := r.accounts.RemoveSecondStep(ctx, name)
	r.did(ctx, "second-step-removed", err, name)
	return err
}
