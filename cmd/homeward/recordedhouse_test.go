package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"homeward/peers/history"
	"homeward/web/account"
	"homeward/web/api"
)

// obedient does all that it is told, or nothing.
type obedient struct {
	settingsOfHouse
	ports
	api.Router
	api.DNS
	accounts
	err error
}

func (h obedient) ForwardByHand(context.Context, string) error { return h.err }
func (h obedient) AskRouterAgain(context.Context) error        { return h.err }
func (h obedient) OpenForward(context.Context, api.NewForward) (api.Forward, error) {
	return api.Forward{}, h.err
}
func (h obedient) SwitchForward(context.Context, int64, bool) (api.Forward, error) {
	return api.Forward{}, h.err
}
func (h obedient) RemoveForward(context.Context, int64) error       { return h.err }
func (h obedient) ClosePort(context.Context, string, uint16) error  { return h.err }
func (h obedient) SetDNSName(context.Context, api.NewDNSName) error { return h.err }
func (h obedient) RemoveDNSName(context.Context) error              { return h.err }
func (h obedient) ChangeSettings(context.Context, api.SettingsChange) error {
	return h.err
}
func (h obedient) AddUser(context.Context, account.NewUser) error               { return h.err }
func (h obedient) ChangeUser(context.Context, string, account.UserChange) error { return h.err }
func (h obedient) ResetPassword(context.Context, string, string) error          { return h.err }
func (h obedient) RemoveUser(context.Context, string) error                     { return h.err }
func (h obedient) RemoveSecondStep(context.Context, string) error               { return h.err }

func TestWhatPeopleDoToTheHouseIsWrittenDown(t *testing.T) {
	for _, err := range []error{nil, errors.New("refused")} {
		var said []string
		d := doer{func(e history.Event) {
			if e.Kind != history.AdminAction || e.Actor != "anna" || e.At.IsZero() {
				t.Errorf("%+v", e)
			}
			said = append(said, strings.TrimSuffix(e.Cause+":"+e.Name, ":"))
		}, "anna"}
		h, ctx := obedient{err: err}, t.Context()
		f, r, n := recordedForwards{h, d}, recordedRouter{h, d}, recordedDNS{h, d}
		f.OpenForward(ctx, api.NewForward{})
		f.SwitchForward(ctx, 1, true)
		f.SwitchForward(ctx, 1, false)
		f.RemoveForward(ctx, 1)
		r.ClosePort(ctx, "tcp", 1)
		r.ForwardByHand(ctx, "")
		r.AskRouterAgain(ctx)
		n.SetDNSName(ctx, api.NewDNSName{})
		n.RemoveDNSName(ctx)
		recordedHouse{h, d}.ChangeSettings(ctx, api.SettingsChange{})
		u := recordedAccounts{h, d}
		u.RemoveSecondStep(ctx, "ben")
		u.AddUser(ctx, account.NewUser{Name: "ben", Password: "never told"})
		u.ChangeUser(ctx, "ben", account.UserChange{})
		u.ResetPassword(ctx, "ben", "never told")
		u.RemoveUser(ctx, "ben")
		want := "forward-opened forward-on forward-off forward-removed port-closed by-hand not-by-hand dns-name dns-name-removed settings second-step-removed:ben user-added:ben user-changed:ben password-reset:ben user-removed:ben"
		if err != nil {
			want = ""
		}
		if got := strings.Join(said, " "); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
