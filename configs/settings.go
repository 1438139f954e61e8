package configs

import (
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
)

// Settings is what homeward is started with.
type Settings struct {
	StateDir   string
	Plane      string // auto, tun or netstack
	Interface  string // name of the network interface of the tun plane
	Port       uint16 // UDP; zero: the one chosen at the first start
	Endpoint   string // host or host:port written into codes; empty: ask the router
	MapPort    bool   // ask the router to open the port
	MapSecond  bool   // ask a second router in front of it, too
	Bind       []netip.Addr
	AdminPort  uint16
	AdminHosts []string
	Proxies    []netip.Prefix // in front of the admin page, whose X-Forwarded-For is believed
	PlainHTTP  bool
	LogLevel   slog.Level
	LogFormat  string // text or json
}

// DefaultStateDir is where state lies unless somebody says otherwise:
// /var/lib/homeward for root, else in the user's own state folder (XDG).
func DefaultStateDir(env func(string) (string, bool)) string {
	if os.Geteuid() == 0 {
		return "/var/lib/homeward"
	}
	if x, ok := env("XDG_STATE_HOME"); ok && filepath.IsAbs(x) {
		return filepath.Join(x, "homeward")
	}
	home, ok := env("HOME")
	if !ok || home == "" {
		return "homeward-state"
	}
	return filepath.Join(home, ".local", "state", "homeward")
}

// DefaultFile is the operator's file that is read if it exists.
func DefaultFile(env func(string) (string, bool)) string {
	if os.Geteuid() == 0 {
		return "/etc/homeward/homeward.toml"
	}
	if x, ok := env("XDG_CONFIG_HOME"); ok && filepath.IsAbs(x) {
		return filepath.Join(x, "homeward", "homeward.toml")
	}
	home, _ := env("HOME")
	return filepath.Join(home, ".config", "homeward", "homeward.toml")
}

// NewLogger makes the logger that s asks for.
func NewLogger(s Settings, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.LogLevel}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
