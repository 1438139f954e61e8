package peers

import (
	"context"
	"database/sql"
	"log/slog"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Facts is what configs are made of and what the peers do not know themselves.
type Facts struct {
	PublicKey wgtypes.Key    // the server's
	Endpoint  *Endpoint      // nil: not known yet
	DNS       []netip.Addr   // resolvers for the clients
	MTU       int            // for the clients; zero leaves it to their app
	Tunnel    []netip.Prefix // our own addresses in the tunnel with its prefix length: 10.6.0.1/24
	LAN       []netip.Prefix // what is at home
}

// Config is what a Manager needs. DB, Device, Facts and Logger are required.
type Config struct {
	DB       *sql.DB          // with the tables of configs/state
	Device   Device           //
	Facts    func() Facts     // must not wait
	Now      func() time.Time // nil means time.Now
	HandOver time.Duration    // how long a private key is remembered; zero means ten minutes
	Logger   *slog.Logger
}

// Manager decides who may come in.
type Manager struct{ cfg Config }

// New loads the store. It starts nothing.
func New(ctx context.Context, cfg Config) (*Manager, error) { return &Manager{cfg}, nil }

// Run pushes the wanted state to the device, retries what it refused and
// forgets private keys on time, until ctx ends.
func (m *Manager) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Create adds a peer and returns its config.
func (m *Manager) Create(ctx context.Context, n NewPeer) (Issued, error) {
	return Issued{}, ErrNotFound
}

// List returns all peers with what is observed of them, sorted by name.
func (m *Manager) List() []Peer { return nil }

// Get returns one peer with what is observed of it.
func (m *Manager) Get(id ID) (Peer, error) { return Peer{}, ErrNotFound }

// SetEnabled lets a peer in or keeps it out.
func (m *Manager) SetEnabled(ctx context.Context, id ID, enabled bool) (Peer, error) {
	return Peer{}, ErrNotFound
}

// Remove ends a peer's access and deletes it.
func (m *Manager) Remove(ctx context.Context, id ID) error { return ErrNotFound }

// Issued returns a config that was handed out and is still remembered.
func (m *Manager) Issued(id ID) (Issued, error) { return Issued{}, ErrForgotten }

// Subscribe returns a channel that gets a value after changes, and a function
// that ends the subscription.
func (m *Manager) Subscribe() (changed <-chan struct{}, cancel func()) {
	return make(chan struct{}, 1), func() {}
}
