package update

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"homeward/configs/release"
)

// The errors that callers act on, beside the release package's.
var (
	// ErrNotNewer says that the release is the installed one or an older one.
	ErrNotNewer = errors.New("it is not newer than the installed version")
	// ErrPlatform says that the release has no program for this platform.
	ErrPlatform = errors.New("the release has no program for this kind of machine")
	// ErrTampered says that a file is not the one that was signed.
	ErrTampered = errors.New("the program is not the one that was signed")
)

// Config is what an update needs. All fields but the last two are required.
type Config struct {
	Source    Source
	Keys      []ed25519.PublicKey
	Installed string // version
	Platform  string // as release.Platform has it
	Target    string // the program's path, without links
	Now       func() time.Time
	Patience  time.Duration // how long until a new version must be well; zero means DefaultPatience
}

// Offer is a newer release that may be installed.
type Offer struct {
	Version string
	// Urgent says that the installed version has a hole that this one mends.
	Urgent bool
	file   release.File
	cfg    Config
}

// Check reads the manifest and says what it offers.
func Check(ctx context.Context, c Config) (Offer, error) {
	if len(c.Keys) == 0 {
		return Offer{}, fmt.Errorf("looking for an update: %w: it has none: give one with --key", release.ErrSignature)
	}
	data, err := readAll(ctx, c.Source, release.ManifestName, release.MaxManifest)
	if err != nil {
		return Offer{}, fmt.Errorf("looking for an update: %w", err)
	}
	signature, err := readAll(ctx, c.Source, release.SignatureName, release.MaxSignature)
	if err != nil {
		return Offer{}, fmt.Errorf("looking for an update: %w", err)
	}
	if err := release.Verify(data, signature, c.Keys); err != nil {
		return Offer{}, fmt.Errorf("looking for an update: %w", err)
	}
	m, err := release.Parse(data)
	if err != nil {
		return Offer{}, fmt.Errorf("looking for an update: %w", err)
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	if now().After(m.Expires) {
		return Offer{}, fmt.Errorf("looking for an update: %w: version %s was to be believed until %s", release.ErrExpired, m.Version, m.Expires.Format(time.DateOnly))
	}
	if !release.Newer(m.Version, c.Installed) {
		return Offer{}, fmt.Errorf("version %s: %w, which is %s", m.Version, ErrNotNewer, c.Installed)
	}
	f, ok := m.For(c.Platform)
	if !ok {
		return Offer{}, fmt.Errorf("looking for an update: %w (%s)", ErrPlatform, c.Platform)
	}
	return Offer{m.Version, m.Urgent(c.Installed), f, c}, nil
}

// Fetch gets the program, verifies it and lays it beside the installed one. It
// returns where; after an error nothing is left behind.
func (o Offer) Fetch(ctx context.Context) (staged string, err error) {
	r, err := o.cfg.Source.Open(ctx, o.file.Name)
	if err != nil {
		return "", fmt.Errorf("fetching %s: %w", o.file.Name, err)
	}
	defer r.Close()
	f, err := os.CreateTemp(filepath.Dir(o.cfg.Target), ".homeward-new-*")
	if err != nil {
		return "", fmt.Errorf("making room for the new program: %w: run it as root, or update by the way that installed it", err)
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(r, o.file.Size+1))
	if err != nil {
		return "", fmt.Errorf("fetching %s: %w", o.file.Name, err)
	}
	if n != o.file.Size || hex.EncodeToString(h.Sum(nil)) != o.file.SHA256 {
		return "", fmt.Errorf("fetching %s: %w", o.file.Name, ErrTampered)
	}
	if err := errors.Join(f.Chmod(0o755), f.Sync()); err != nil {
		return "", fmt.Errorf("writing the new program: %w", err)
	}
	if err := fits(f.Name(), o.cfg.Platform); err != nil {
		return "", fmt.Errorf("looking at %s: %w", o.file.Name, err)
	}
	return f.Name(), nil
}

// fits reads, without running it, what a program was built from and for.
func fits(path, platform string) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPlatform, err)
	}
	built := map[string]string{}
	for _, s := range info.Settings {
		built[s.Key] = s.Value
	}
	if got := release.PlatformOf(built["GOOS"], built["GOARCH"], built["GOARM"]); got != platform || !strings.HasSuffix(info.Path, "/cmd/homeward") {
		return fmt.Errorf("%w: it is %s for %s, not homeward for %s", ErrPlatform, info.Path, got, platform)
	}
	return nil
}
