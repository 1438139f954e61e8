package web

import (
	"net/http"

	"homeward/web/account"
	"homeward/web/api"
	"homeward/web/guard"
)

// access says who may use a route. All but everyone and visitor name a scope that
// is needed: of a page by a login, of the programs' interface by a login or a token.
type access string

const (
	everyone access = "everyone" // no session is even looked for
	visitor  access = "visitor"  // with or without a login
	viewer   access = "viewer"   // any login, else the login page
	admin    access = "admin"    // an admin's login, else the login page
	reader   access = "reader"   // a program that may read, else a problem document
	devices  access = "devices"  // the same for devices and their codes
	router   access = "router"   // the same for the router's ports
	program  access = "program"  // the same for everything
	meter    access = "meter"    // the same for numbers that name nobody
)

// needs is the scope that a route asks for.
func (a access) needs() account.Scope {
	switch a {
	case viewer, reader:
		return account.ScopeRead
	case devices:
		return account.ScopePeers
	case router:
		return account.ScopePorts
	case meter:
		return account.ScopeMetrics
	}
	return account.ScopeAdmin
}

// isPage tells pages, which lead to the login, from what programs call.
func (a access) isPage() bool { return a == viewer || a == admin }

// forPrograms is who may use a route of the programs' interface.
func forPrograms(needs account.Scope) access {
	for _, a := range []access{reader, devices, router} {
		if a.needs() == needs {
			return a
		}
	}
	return program
}

// route is one row of the table of all that the page answers to.
type route struct {
	Method, Pattern string
	Who             access
	handle          http.HandlerFunc
}

// routes is the whole table.
func (s *Server) routes() []route {
	table := []route{
		{"GET", "/healthz", everyone, s.healthy},
		{"GET", "/assets/{hash}/{name}", everyone, s.assets.serve},
		{"GET", guard.Metrics, meter, s.metrics},

		{"GET", "/invite/{token}", everyone, s.inviteForm},
		{"POST", "/invite/{token}", everyone, s.openInvite},
		{"GET", "/handover/{ticket}", everyone, s.withTicket(s.showHandover)},
		{"GET", "/handover/{ticket}/{part}", everyone, s.withTicket(s.handoverPart)},

		{"GET", "/setup", visitor, s.setupForm},
		{"POST", "/setup", visitor, s.claim},
		{"POST", restorePath, visitor, s.lookAtBackup},
		{"POST", restoreTakePath, visitor, s.restore},
		{"GET", "/login", visitor, s.loginForm},
		{"POST", "/login", visitor, s.login},
		{"GET", "/login/code", visitor, s.codeForm},
		{"POST", "/login/code", visitor, s.enterCode},
		{"POST", "/login/passkey/begin", visitor, s.askPasskey},
		{"POST", "/login/passkey", visitor, s.enterPasskey},
		{"POST", "/logout", viewer, s.logout},

		{"POST", "/look", everyone, s.chooseLook},
		{"GET", "/account", viewer, s.showAccount},
		{"POST", "/account/password", viewer, s.changePassword},
		{"POST", "/account/logins/end", viewer, s.endLogins},
		{"GET", "/account/second", viewer, s.showSecond},
		{"POST", "/account/second", viewer, s.beginSecond},
		{"POST", "/account/second/confirm", viewer, s.confirmSecond},
		{"POST", "/account/second/off", viewer, s.endSecond},
		{"POST", "/account/second/codes", viewer, s.renewCodes},
		{"POST", "/account/passkeys/begin", viewer, s.beginPasskey},
		{"POST", "/account/passkeys", viewer, s.addPasskey},
		{"POST", "/account/passkeys/{id}/remove", viewer, s.removePasskey},
		{"GET", "/account/tokens", viewer, s.showTokens},
		{"POST", "/account/tokens", viewer, s.makeToken},
		{"POST", "/account/tokens/{id}/revoke", viewer, s.revokeToken},
		{"POST", "/users", admin, s.addUser},
		{"POST", "/users/{user}/role", admin, api.Take(&s.cfg.Turns.Users, s.changeRole)},
		{"POST", "/users/{user}/password", admin, s.resetPassword},
		{"POST", "/users/{user}/remove", admin, api.Take(&s.cfg.Turns.Users, s.removeUser)},
		{"GET", "/settings", admin, s.showSettings},
		{"POST", "/settings", admin, api.Take(&s.cfg.Turns.House, s.changeSettings)},
		{"GET", "/renumber", admin, s.showRenumber},
		{"POST", "/renumber", admin, s.renumber},
		{"POST", "/echo", admin, s.answerEcho},
		{"POST", "/dns", admin, api.Take(&s.cfg.Turns.DNS, s.setName)},
		{"POST", "/dns/remove", admin, api.Take(&s.cfg.Turns.DNS, s.removeName)},

		{"GET", "/{$}", viewer, s.home},
		{"GET", "/welcome", admin, s.welcome},
		{"GET", "/live", reader, s.follow},
		{"POST", "/peers", admin, s.addPeer},
		{"GET", "/peers/{id}", viewer, s.withPeer(s.showPeer)},
		{"POST", "/peers/{id}/enable", admin, s.withPeer(s.enable(true))},
		{"POST", "/peers/{id}/disable", admin, s.withPeer(s.enable(false))},
		{"POST", "/peers/{id}/access", admin, s.withPeer(s.setAccess)},
		{"GET", "/peers/{id}/edit", admin, s.withPeer(s.editForm)},
		{"POST", "/peers/{id}/edit", admin, s.withPeer(s.editPeer)},
		{"POST", "/peers/{id}/code", admin, s.withPeer(s.newCode)},
		{"POST", "/peers/{id}/invite", admin, s.withPeer(s.makeInvite)},
		{"GET", "/peers/{id}/remove", admin, s.withPeer(s.confirmRemove)},
		{"POST", "/peers/{id}/remove", admin, s.withPeer(s.removePeer)},
		{"POST", "/peers/{id}/keep", admin, s.withPeer(s.keepPeer)},

		{"GET", "/peers/{id}/test", admin, s.withPeer(s.showTest)},
		{"POST", "/peers/{id}/test", admin, s.withPeer(s.beginTest)},

		{"GET", "/guide", admin, s.showGuide},
		{"POST", "/guide/done", admin, s.forwardedByHand},
		{"POST", "/guide/undo", admin, s.notByHand},
		{"GET", "/knock", admin, s.showKnock},
		{"POST", "/knock", admin, s.beginKnock},
		{"GET", "/backup", admin, s.showBackup},
		{"POST", "/backup/download", admin, s.downloadBackup},
		{"POST", "/backup/recovery-code", admin, s.makeRecoveryCode},
		{"POST", "/backup/nightly", admin, api.Take(&s.cfg.Turns.Backup, s.setNightly)},
		{"POST", "/backup/nightly/off", admin, api.Take(&s.cfg.Turns.Backup, s.stopNightly)},
		{"GET", importPath, admin, s.showImport},
		{"POST", importPath, admin, s.lookAtImport},
		{"POST", importRunningPath, admin, s.lookAtRunning},
		{"POST", importTakePath, admin, s.takeImport},
		{"GET", "/log", viewer, s.showLog},
		{"GET", "/support", admin, s.downloadSupport},
		{"GET", "/ports", admin, s.showPorts},
		{"POST", "/forwards", admin, s.openForward},
		{"POST", "/forwards/{id}/enable", admin, api.Take(&s.cfg.Turns.Forwards, s.withForward(s.switchForward(true)))},
		{"POST", "/forwards/{id}/disable", admin, api.Take(&s.cfg.Turns.Forwards, s.withForward(s.switchForward(false)))},
		{"POST", "/forwards/{id}/remove", admin, api.Take(&s.cfg.Turns.Forwards, s.withForward(s.removeForward))},
		{"GET", "/ports/{protocol}/{port}/close", admin, s.withPort(s.confirmClose)},
		{"POST", "/ports/{protocol}/{port}/close", admin, s.withPort(s.closePort)},
	}
	programs := s.cfg.Config
	programs.Cookie, programs.MayStill, programs.Ended = s.sessions.Cookie.Name, s.mayStillRead, s.ended
	for _, r := range api.Routes(programs) {
		table = append(table, route{r.Method, r.Pattern, forPrograms(r.Needs), r.Handle})
	}
	return table
}

func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ok\n"))
}
