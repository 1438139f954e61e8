package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
	"homeward/web/account"
)

// Peers is what the handler needs of the peer manager.
type Peers interface {
	Create(context.Context, peers.NewPeer) (peers.Issued, error)
	List() []peers.Peer
	Get(peers.ID) (peers.Peer, error)
	Edit(ctx context.Context, id peers.ID, version int64, c peers.Change) (peers.Peer, error)
	Remove(context.Context, peers.ID) error
	RemoveVersion(ctx context.Context, id peers.ID, version int64) error
	RemoveLater(ctx context.Context, id peers.ID, undo time.Duration) (peers.Peer, error)
	Keep(context.Context, peers.ID) (peers.Peer, error)
	Rotate(context.Context, peers.ID) (peers.Issued, error)
	RotateTo(context.Context, peers.ID, wgtypes.Key) (peers.Issued, error)
	Issued(peers.ID) (peers.Issued, error)
	Invite(ctx context.Context, id peers.ID, lasts time.Duration) (peers.Invite, error)
	OpenInvite(ctx context.Context, token string) (peers.Issued, peers.Ticket, error)
	OpenInviteTo(ctx context.Context, token string, key wgtypes.Key) (peers.Issued, error)
	IssuedTo(peers.Ticket) (peers.Issued, error)
}

// Config is what the handler needs. The fields after PageURL may be zero, but for Logger.
type Config struct {
	Peers    Peers
	Status   func() Status
	Router   Router
	Forwards Forwards
	DNS      DNS
	House    House
	// Renumberer gives the tunnel another network.
	Renumberer Renumberer
	Tests      Tester
	Knocks     Knocker
	Backups    Backups
	Importer   Importer
	History    History
	Accounts   Accounts
	Tokens     Tokens
	Restorer   Restorer
	// Support packs what helps somebody to help, masked, as a ZIP file.
	Support func(context.Context, time.Time) ([]byte, error)
	// PageURL is the admin page's address for people in the house, without a
	// slash at its end.
	PageURL func() string
	// Cookie is the name of the cookie that a login has; empty where nobody logs in.
	Cookie string
	// Turns are the same ones for all that change the same house; nil means that nobody
	// else does.
	Turns *Turns
	// MayStill is asked from time to time whether who sent a request may still see what
	// a stream tells, and Ended ends all streams; nil: always, and nothing does.
	MayStill func(*http.Request) bool
	Ended    context.Context
	Logger   *slog.Logger
}

// Check says what is missing.
func (c Config) Check() error {
	for name, missing := range map[string]bool{
		"peers":      c.Peers == nil,
		"status":     c.Status == nil,
		"router":     c.Router == nil,
		"forwards":   c.Forwards == nil,
		"dns":        c.DNS == nil,
		"house":      c.House == nil,
		"renumberer": c.Renumberer == nil,
		"tests":      c.Tests == nil,
		"knocks":     c.Knocks == nil,
		"backups":    c.Backups == nil,
		"importer":   c.Importer == nil,
		"history":    c.History == nil,
		"accounts":   c.Accounts == nil,
		"tokens":     c.Tokens == nil,
		"restorer":   c.Restorer == nil,
		"page URL":   c.PageURL == nil,
		"logger":     c.Logger == nil,
		"support":    c.Support == nil,
	} {
		if missing {
			return fmt.Errorf("%s is missing", name)
		}
	}
	return nil
}

// Route is one row of the interface.
type Route struct {
	Method, Pattern string
	Needs           account.Scope // what whoever calls it has to have
	Handle          http.HandlerFunc
}

// Routes lists the whole interface.
func Routes(cfg Config) []Route {
	h := newHandler(cfg)
	return withKeys(h, withDocument(h, routes(h)))
}

func routes(h handler) []Route {
	return slices.Concat(usersRoutes(h), tokensRoutes(h), []Route{
		{"GET", "/api/v1/status", account.ScopeRead, h.status},
		{"GET", "/api/v1/support", account.ScopeAdmin, h.support},
		{"GET", "/api/v1/ports", account.ScopePorts, h.ports},
		{"GET", "/api/v1/guide", account.ScopePorts, h.guide},
		{"PUT", "/api/v1/guide/by-hand", account.ScopePorts, h.forwardByHand},
		{"DELETE", "/api/v1/guide/by-hand", account.ScopePorts, h.askRouterAgain},
		{"GET", "/api/v1/forwards", account.ScopePorts, h.forwards},
		{"POST", "/api/v1/forwards", account.ScopePorts, h.openForward},
		{"GET", "/api/v1/forwards/{id}", account.ScopePorts, h.withForward(h.forward)},
		{"PATCH", "/api/v1/forwards/{id}", account.ScopePorts, h.withForward(h.switchForward)},
		{"DELETE", "/api/v1/forwards/{id}", account.ScopePorts, h.withForward(h.removeForward)},
		{"DELETE", "/api/v1/ports/{protocol}/{port}", account.ScopePorts, h.closePort},
		{"GET", "/api/v1/knock", account.ScopeRead, h.knock},
		{"POST", "/api/v1/knock", account.ScopeAdmin, h.beginKnock},
		{"GET", "/api/v1/dns", account.ScopeAdmin, h.dnsName},
		{"PUT", "/api/v1/dns", account.ScopeAdmin, h.setDNSName},
		{"DELETE", "/api/v1/dns", account.ScopeAdmin, h.removeDNSName},
		{"GET", "/api/v1/settings", account.ScopeAdmin, h.settings},
		{"PATCH", "/api/v1/settings", account.ScopeAdmin, h.changeSettings},
		{"GET", "/api/v1/renumber", account.ScopeAdmin, h.renumbering},
		{"POST", "/api/v1/renumber", account.ScopeAdmin, h.renumber},
		{"GET", "/api/v1/backup", account.ScopeAdmin, h.backup},
		{"POST", "/api/v1/backup", account.ScopeAdmin, h.makeBackup},
		{"POST", "/api/v1/backup/recovery-code", account.ScopeAdmin, h.newRecoveryCode},
		{"POST", RestorePath, account.ScopeAdmin, h.restore},
		{"PUT", "/api/v1/backup/nightly", account.ScopeAdmin, h.setNightlyBackup},
		{"DELETE", "/api/v1/backup/nightly", account.ScopeAdmin, h.stopNightlyBackup},
		{"POST", ImportPath, account.ScopeAdmin, h.importServer},
		{"GET", ImportPath + "/interfaces", account.ScopeAdmin, h.runningInterfaces},
		{"GET", "/api/v1/events", account.ScopeRead, h.events},
		{"GET", "/api/v1/peers/{id}/traffic", account.ScopeRead, h.withPeer(h.traffic)},
		{"GET", "/api/v1/peers/{id}/sessions", account.ScopeRead, h.withPeer(h.sessions)},
		{"GET", "/api/v1/peers", account.ScopeRead, h.list},
		{"POST", "/api/v1/peers", account.ScopePeers, h.create},
		{"GET", "/api/v1/peers/{id}", account.ScopeRead, h.withPeer(h.show)},
		{"PATCH", "/api/v1/peers/{id}", account.ScopePeers, h.withPeer(h.change)},
		{"DELETE", "/api/v1/peers/{id}", account.ScopePeers, h.withPeer(h.remove)},
		{"POST", "/api/v1/peers/{id}/keep", account.ScopePeers, h.withPeer(h.keep)},
		{"POST", "/api/v1/peers/{id}/code", account.ScopePeers, h.withPeer(h.rotate)},
		{"POST", "/api/v1/peers/{id}/invite", account.ScopePeers, h.withPeer(h.invite)},
		{"GET", "/api/v1/peers/{id}/test", account.ScopeRead, h.withPeer(h.test)},
		{"POST", "/api/v1/peers/{id}/test", account.ScopePeers, h.withPeer(h.beginTest)},
		{"GET", "/api/v1/peers/{id}/mobileconfig", account.ScopePeers, h.withPeer(h.mobileConfig)},
		{"GET", "/api/v1/peers/{id}/config", account.ScopePeers, h.withPeer(h.issued("text/plain; charset=utf-8", peers.ClientConfig.Text))},
		{"GET", "/api/v1/peers/{id}/qr.png", account.ScopePeers, h.withPeer(h.issued("image/png", func(c peers.ClientConfig) ([]byte, error) { return c.QRPNG(512) }))},
		{"GET", "/api/v1/peers/{id}/qr.svg", account.ScopePeers, h.withPeer(h.issued("image/svg+xml", peers.ClientConfig.QRSVG))},
		{"GET", "/api/v1/peers/{id}/qr.txt", account.ScopePeers, h.withPeer(h.issued("text/plain; charset=utf-8", peers.ClientConfig.QRTerminal))},
	})
}

// LocalHandler serves the interface without a login, and what only somebody on
// the box may do. It is for a socket whose file mode is the login.
func LocalHandler(cfg Config, a Admin) http.Handler {
	mux := http.NewServeMux()
	h := newHandler(cfg)
	for _, r := range withKeys(h, withDocument(h, append(routes(h), localRoutes(h, a)...))) {
		mux.HandleFunc(r.Method+" "+r.Pattern, r.Handle)
	}
	mux.HandleFunc("/", Nothing(mux))
	return mux
}

type handler struct {
	Config
	listeners *listeners
}

func newHandler(cfg Config) handler {
	if cfg.Turns == nil {
		cfg.Turns = &Turns{}
	}
	return handler{cfg, &listeners{}}
}

func (h handler) status(w http.ResponseWriter, r *http.Request) {
	h.reply(w, http.StatusOK, h.Status().full())
}

func (h handler) list(w http.ResponseWriter, r *http.Request) {
	found, next, err := listOf(h.Peers.List(), r.URL.Query())
	if err != nil {
		h.fail(w, err)
		return
	}
	if next != "" {
		w.Header().Set("Link", "<"+r.URL.Path+"?"+next+`>; rel="next"`)
	}
	h.reply(w, http.StatusOK, PeersFrom(found))
}

// withPeer reads the peer's number from the path.
func (h handler) withPeer(next func(http.ResponseWriter, *http.Request, peers.ID)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil || id <= 0 {
			h.fail(w, peers.ErrNotFound)
			return
		}
		next(w, r, peers.ID(id))
	}
}

// remove removes a peer at once or, with undo_seconds, when those are over.
func (h handler) remove(w http.ResponseWriter, r *http.Request, id peers.ID) {
	version, err := h.versionWanted(r, id)
	if err != nil {
		h.fail(w, err)
		return
	}
	if undo := r.URL.Query().Get("undo_seconds"); undo != "" {
		n, err := strconv.Atoi(undo)
		if err != nil {
			h.fail(w, &peers.FieldError{Field: "undo_seconds", Problem: "this is not a whole number"})
			return
		}
		p, err := h.Peers.RemoveLater(r.Context(), id, time.Duration(min(max(n, 0), 1<<20))*time.Second)
		if err != nil {
			h.fail(w, err)
			return
		}
		h.reply(w, http.StatusAccepted, peerFrom(p))
		return
	}
	if err := h.Peers.RemoveVersion(r.Context(), id, version); err != nil {
		h.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// keep undoes a removal that is not over yet.
func (h handler) keep(w http.ResponseWriter, r *http.Request, id peers.ID) {
	p, err := h.Peers.Keep(r.Context(), id)
	h.replyPeer(w, p, err)
}

// issued serves one form of a config that is still remembered: with the peer's
// own profile, or the one that the query names.
func (h handler) issued(contentType string, form func(peers.ClientConfig) ([]byte, error)) func(http.ResponseWriter, *http.Request, peers.ID) {
	return func(w http.ResponseWriter, r *http.Request, id peers.ID) {
		i, err := h.Peers.Issued(id)
		var client peers.ClientConfig
		if err == nil {
			client, err = i.As(peers.Profile(r.URL.Query().Get("profile")))
		}
		var body []byte
		if err == nil {
			body, err = form(client)
		}
		if err != nil {
			h.fail(w, err)
			return
		}
		name := ""
		if contentType == "text/plain; charset=utf-8" {
			name = client.FileName() + ".conf"
		}
		SendFile(w, contentType, name, body)
	}
}
