package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"

	"homeward/web/account"
	"homeward/web/account/passkeys"
	"homeward/web/account/tokens"
	"homeward/web/api"
	"homeward/web/guard"
	"homeward/web/languages"
	"homeward/web/metrics"
	"homeward/web/onuse"
	"homeward/web/throttle"
)

// sessionLasts is how long one stays logged in.
const sessionLasts = 7 * 24 * time.Hour

// maxLive bounds the pages that are kept up to date at the same time.
const maxLive = 32

// Config is what a Server needs. All fields but Names, Proxies, Did, Certificate and Secure are required.
type Config struct {
	api.Config
	Account   *account.Account
	Bearers   *tokens.Book   // decides by which tokens programs come in
	Passkeys  *passkeys.Book // another way for people to log in
	MaxBackup int64          // of the backup of another homeward, in bytes
	// BackupHolder holds such a one until it was looked at.
	BackupHolder BackupHolder
	// Names are the Host names by which the page may be opened, in lower case,
	// next to its private addresses; nil means none.
	Names func() []string
	// Proxies are those whose X-Forwarded-For is believed; nil means none.
	Proxies []netip.Prefix
	// Did is told what somebody did to the own login, or to that of another user, who
	// is named then; nil means nobody is.
	Did func(ctx context.Context, cause string, about ...string)
	// Certificate is the page's own one: its SHA-256 fingerprint as browsers show it, and
	// the same as words; nil means that there is none.
	Certificate func() (fingerprint, words string)
	// Secure says that the page is served by TLS: its cookie is then sent by
	// TLS only.
	Secure bool
}

// Server is the admin page.
type Server struct {
	cfg       Config
	sessions  *scs.SessionManager
	pages     map[*languages.Language]*onuse.Value[pages]
	languages *languages.Catalogue
	assets    assets
	live      chan struct{} // a place for each live page
	meter     *metrics.Meter
	ended     context.Context
	end       context.CancelFunc

	held     held               // files of other servers
	openings *throttle.Throttle // of invites
	showings *throttle.Throttle // of what they lead to
}

// New makes the page. It starts nothing.
func New(cfg Config) (*Server, error) {
	if err := cfg.Check(); err != nil || cfg.Account == nil || cfg.Bearers == nil || cfg.Passkeys == nil || cfg.BackupHolder == nil {
		return nil, fmt.Errorf("making the admin page: everything but names and secure is required: %w", cmp.Or(err, errors.New("account, bearers, passkeys or the holder of backups is missing")))
	}
	if cfg.Names == nil {
		cfg.Names = func() []string { return nil }
	}
	if cfg.Certificate == nil {
		cfg.Certificate = func() (fingerprint, words string) { return "", "" }
	}
	if cfg.Did == nil {
		cfg.Did = func(context.Context, string, ...string) {}
	}
	if cfg.Turns == nil {
		cfg.Turns = &api.Turns{}
	}
	s := &Server{cfg: cfg, live: make(chan struct{}, maxLive),
		openings: throttle.New(time.Now, openings, openAgain), showings: throttle.New(time.Now, showings, showsAgain)}
	s.ended, s.end = context.WithCancel(context.Background())
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	s.languages = languages.Load()
	s.pages = pagesOf(s.assets, s.languages.All())
	s.sessions = newSessions(cfg)
	s.meter = metrics.New(metrics.Config{Status: cfg.Status, Peers: cfg.Peers.List, Forwards: cfg.Forwards.Forwards})
	return s, nil
}

// newSessions sets up the cookie. SameSite=Strict keeps it out of every request
// that another site starts. scs.New would start a goroutine that nobody ends.
func newSessions(cfg Config) *scs.SessionManager {
	m := &scs.SessionManager{
		Store:            readable{cfg.Account.Sessions(), scs.GobCodec{}, cfg.Logger},
		HashTokenInStore: true,
		Lifetime:         sessionLasts,
		Codec:            scs.GobCodec{},
		Cookie:           scs.SessionCookie{Name: "homeward", Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: cfg.Secure, Persist: true},
	}
	if cfg.Secure {
		m.Cookie.Name = "__Host-homeward" // browsers accept it from this very host by TLS only
	}
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		cfg.Logger.Error("session failed", "err", err)
		if strings.HasPrefix(r.URL.Path, "/api/") {
			api.Refuse(w, http.StatusInternalServerError, "the session cannot be read: the log says why")
			return
		}
		http.Error(w, "The session cannot be read: the log says why.", http.StatusInternalServerError)
	}
	return m
}

// Handler is the page behind its guard.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.Method+" "+r.Pattern, s.admit(r))
	}
	mux.Handle("/api/", api.Nothing(mux))
	mux.Handle("/", s.admit(route{Who: visitor, handle: s.notFound}))
	return guard.Handler(guard.Hosts{Names: s.cfg.Names}, guard.Bodies{restorePath: s.cfg.MaxBackup, api.RestorePath: s.cfg.MaxBackup, importPath: importBody, api.ImportPath: api.MaxImportBody}, mux)
}

// Forget gives the memory back that only drawing pages needs, as far as nobody has looked
// at one in a language for a while. It says whether there was some.
func (s *Server) Forget(while time.Duration) bool {
	some := s.languages.Forget(while)
	for _, p := range s.pages {
		some = p.Forget(while) || some
	}
	return some
}

// Close ends the pages that are kept up to date, so that a server that waits
// for its connections need not wait for them, and forgets the files that are held.
func (s *Server) Close() {
	s.end()
	s.held.close()
}
