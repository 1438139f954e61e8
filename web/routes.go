package web

import (
	"net/http"

	"homeward/web/api"
)

// access says who may use a route.
type access string

const (
	everyone access = "everyone" // no session is even looked for
	visitor  access = "visitor"  // with or without a login
	admin    access = "admin"    // a login, else the login page
	program  access = "program"  // a login, else a problem document
)

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

		{"GET", "/invite/{token}", everyone, s.inviteForm},
		{"POST", "/invite/{token}", everyone, s.openInvite},
		{"GET", "/handover/{ticket}", everyone, s.withTicket(s.showHandover)},
		{"GET", "/handover/{ticket}/{part}", everyone, s.withTicket(s.handoverPart)},

		{"GET", "/setup", visitor, s.setupForm},
		{"POST", "/setup", visitor, s.claim},
		{"POST", restorePath, visitor, s.restore},
		{"GET", "/login", visitor, s.loginForm},
		{"POST", "/login", visitor, s.login},
		{"POST", "/logout", admin, s.logout},

		{"POST", "/look", everyone, s.chooseLook},
		{"GET", "/settings", admin, s.showSettings},
		{"POST", "/dns", admin, s.setName},
		{"POST", "/dns/remove", admin, s.removeName},

		{"GET", "/{$}", admin, s.home},
		{"GET", "/welcome", admin, s.welcome},
		{"GET", "/live", program, s.follow},
		{"POST", "/peers", admin, s.addPeer},
		{"GET", "/peers/{id}", admin, s.withPeer(s.showPeer)},
		{"POST", "/peers/{id}/enable", admin, s.withPeer(s.enable(true))},
		{"POST", "/peers/{id}/disable", admin, s.withPeer(s.enable(false))},
		{"POST", "/peers/{id}/access", admin, s.withPeer(s.setAccess)},
		{"GET", "/peers/{id}/edit", admin, s.withPeer(s.editForm)},
		{"POST", "/peers/{id}/edit", admin, s.withPeer(s.editPeer)},
		{"POST", "/peers/{id}/code", admin, s.withPeer(s.newCode)},
		{"POST", "/peers/{id}/invite", admin, s.withPeer(s.makeInvite)},
		{"GET", "/peers/{id}/remove", admin, s.withPeer(s.confirmRemove)},
		{"POST", "/peers/{id}/remove", admin, s.withPeer(s.removePeer)},

		{"GET", "/peers/{id}/test", admin, s.withPeer(s.showTest)},
		{"POST", "/peers/{id}/test", admin, s.withPeer(s.beginTest)},

		{"GET", "/guide", admin, s.showGuide},
		{"GET", "/backup", admin, s.showBackup},
		{"POST", "/backup/download", admin, s.downloadBackup},
		{"POST", "/backup/recovery-code", admin, s.makeRecoveryCode},
		{"POST", "/backup/nightly", admin, s.setNightly},
		{"POST", "/backup/nightly/off", admin, s.stopNightly},
		{"GET", "/log", admin, s.showLog},
		{"GET", "/ports", admin, s.showPorts},
		{"POST", "/forwards", admin, s.openForward},
		{"POST", "/forwards/{id}/enable", admin, s.withForward(s.switchForward(true))},
		{"POST", "/forwards/{id}/disable", admin, s.withForward(s.switchForward(false))},
		{"POST", "/forwards/{id}/remove", admin, s.withForward(s.removeForward)},
		{"GET", "/ports/{protocol}/{port}/close", admin, s.withPort(s.confirmClose)},
		{"POST", "/ports/{protocol}/{port}/close", admin, s.withPort(s.closePort)},
	}
	for _, r := range api.Routes(s.cfg.Config) {
		table = append(table, route{r.Method, r.Pattern, program, r.Handle})
	}
	return table
}

func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("ok\n"))
}
