package web

import (
	"strings"
	"testing"
)

// inAPI says for each row of the page by which row of the programs' interface the
// same is done, or why by none. A page without a row fails the test: whoever adds
// one has to think of programs here.
var inAPI = map[string]string{
	"GET /{$}":                 "GET /api/v1/status",
	"POST /peers":              "POST /api/v1/peers",
	"GET /peers/{id}":          "GET /api/v1/peers/{id}",
	"POST /peers/{id}/enable":  "PATCH /api/v1/peers/{id}",
	"POST /peers/{id}/disable": "PATCH /api/v1/peers/{id}",
	"POST /peers/{id}/access":  "PATCH /api/v1/peers/{id}",
	"GET /peers/{id}/edit":     "GET /api/v1/peers/{id}",
	"POST /peers/{id}/edit":    "PATCH /api/v1/peers/{id}",
	"POST /peers/{id}/code":    "POST /api/v1/peers/{id}/code",
	"POST /peers/{id}/invite":  "POST /api/v1/peers/{id}/invite",
	"POST /peers/{id}/remove":  "DELETE /api/v1/peers/{id}",
	"POST /peers/{id}/keep":    "POST /api/v1/peers/{id}/keep",
	"GET /peers/{id}/test":     "GET /api/v1/peers/{id}/test",
	"POST /peers/{id}/test":    "POST /api/v1/peers/{id}/test",

	"GET /guide":                          "GET /api/v1/guide",
	"POST /guide/done":                    "PUT /api/v1/guide/by-hand",
	"POST /guide/undo":                    "DELETE /api/v1/guide/by-hand",
	"GET /knock":                          "GET /api/v1/knock",
	"POST /knock":                         "POST /api/v1/knock",
	"GET /ports":                          "GET /api/v1/ports",
	"POST /ports/{protocol}/{port}/close": "DELETE /api/v1/ports/{protocol}/{port}",
	"POST /forwards":                      "POST /api/v1/forwards",
	"POST /forwards/{id}/enable":          "PATCH /api/v1/forwards/{id}",
	"POST /forwards/{id}/disable":         "PATCH /api/v1/forwards/{id}",
	"POST /forwards/{id}/remove":          "DELETE /api/v1/forwards/{id}",
	"GET /log":                            "GET /api/v1/events",
	"GET /support":                        "GET /api/v1/support",
	"GET /settings":                       "GET /api/v1/settings",
	"POST /settings":                      "PATCH /api/v1/settings",
	"GET /renumber":                       "GET /api/v1/renumber",
	"POST /renumber":                      "POST /api/v1/renumber",
	"POST /echo":                          "PATCH /api/v1/settings",
	"POST /dns":                           "PUT /api/v1/dns",
	"POST /dns/remove":                    "DELETE /api/v1/dns",
	"GET /backup":                         "GET /api/v1/backup",
	"POST /backup/download":               "POST /api/v1/backup",
	"POST /backup/recovery-code":          "POST /api/v1/backup/recovery-code",
	"POST /backup/nightly":                "PUT /api/v1/backup/nightly",
	"POST /backup/nightly/off":            "DELETE /api/v1/backup/nightly",

	"GET /import":            "GET /api/v1/import/interfaces",
	"POST /import":           "POST /api/v1/import",
	"POST /import/interface": "POST /api/v1/import",
	"POST /import/take":      "POST /api/v1/import",

	"GET /healthz":                       asked,
	"GET /metrics":                       asked,
	"GET /assets/{hash}/{name}":          drawn,
	"POST /look":                         drawn,
	"GET /welcome":                       drawn,
	"GET /live":                          drawn,
	"GET /peers/{id}/remove":             drawn,
	"GET /ports/{protocol}/{port}/close": drawn,
	"GET /invite/{token}":                browser,
	"POST /invite/{token}":               browser,
	"GET /handover/{ticket}":             browser,
	"GET /handover/{ticket}/{part}":      browser,
	"GET /setup":                         login,
	"POST /setup":                        login,
	"POST /setup/restore":                "POST /api/v1/restore",
	"POST /setup/restore/take":           "POST /api/v1/restore",
	"GET /login":                         login,
	"POST /login":                        login,
	"GET /login/code":                    login,
	"POST /login/code":                   login,
	"POST /logout":                       login,
	"GET /account":                       login,
	"POST /account/password":             login,
	"POST /account/logins/end":           login,
	"GET /account/second":                login,
	"POST /account/second":               login,
	"POST /account/second/confirm":       login,
	"POST /account/second/off":           login,
	"POST /account/second/codes":         login,
	"POST /login/passkey/begin":          login,
	"POST /login/passkey":                login,
	"POST /account/passkeys/begin":       login,
	"POST /account/passkeys":             login,
	"POST /account/passkeys/{id}/remove": login,
	"GET /account/tokens":                "GET /api/v1/admin/tokens",
	"POST /account/tokens":               "POST /api/v1/admin/tokens",
	"POST /account/tokens/{id}/revoke":   "DELETE /api/v1/admin/tokens/{id}",
	"POST /users":                        "POST /api/v1/admin/users",
	"POST /users/{user}/role":            "PATCH /api/v1/admin/users/{name}",
	"POST /users/{user}/password":        "PUT /api/v1/admin/users/{name}/password",
	"POST /users/{user}/remove":          "DELETE /api/v1/admin/users/{name}",
}

// Why something is not among what programs can do.
const (
	asked   = "programs ask it as it is"
	drawn   = "it is how the page is drawn, or asks whether one is sure"
	browser = "it is for the browser of a phone, and for somebody without a login"
	login   = "it is somebody's own login, which a program does not have"
)

func TestProgramsCanDoWhatThePageCan(t *testing.T) {
	reasons := map[string]bool{asked: true, drawn: true, browser: true, login: true}
	there, used := map[string]bool{}, map[string]bool{}
	table := newWorld(t).page.routes()
	for _, r := range table {
		there[r.Method+" "+r.Pattern] = true
	}
	for _, r := range table {
		row := r.Method + " " + r.Pattern
		if strings.HasPrefix(r.Pattern, "/api/") {
			continue
		}
		used[row] = true
		by := inAPI[row]
		if !reasons[by] && (!strings.Contains(by, " /api/v1/") || !there[by]) {
			t.Errorf("%s: programs would do it by %q, which there is not", row, by)
		}
		if r.Method != "GET" && (by == drawn && row != "POST /look" || by == asked || strings.HasPrefix(by, "GET ")) {
			t.Errorf("%s changes something, and programs only read: %q", row, by)
		}
	}
	for row := range inAPI {
		if !used[row] {
			t.Errorf("%s is not a page any more", row)
		}
	}
}
