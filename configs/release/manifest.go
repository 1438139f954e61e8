package release

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/mod/semver"
)

// The names of the files that every release has beside its programs.
const (
	ManifestName   = "manifest.json"
	SignatureName  = "manifest.json.sig"
	MaxManifest    = 64 << 10  // bytes
	MaxSignature   = 8 * 64    // bytes
	MaxProgram     = 128 << 20 // bytes; a program has about 25 MB
	maxFiles       = 64
	maxVersionSize = 64
)

// The errors that callers act on.
var (
	ErrSignature = errors.New("the signature is not by a key that this homeward trusts")
	ErrExpired   = errors.New("the release's manifest is too old to be believed")
)

// Manifest lists the programs of a release.
type Manifest struct {
	Version string    `json:"version"` // as semver.org has it, without a v
	Expires time.Time `json:"expires"` // nobody installs it by this manifest afterwards
	Files   []File    `json:"files"`
	// UnsafeBefore is the first version without any hole that is known: whoever runs an
	// older one should update now. Empty says nothing.
	UnsafeBefore string `json:"unsafe_before,omitempty"`
}

// File is the program for one platform.
type File struct {
	Name     string `json:"name"`     // of the file beside the manifest
	Platform string `json:"platform"` // as Platform has it
	Size     int64  `json:"size"`     // bytes
	SHA256   string `json:"sha256"`   // hexadecimal
}

var fileName = regexp.MustCompile(`^homeward-[a-z0-9][a-z0-9.-]{0,60}$`)

// Parse reads a manifest whose signature was verified already.
func Parse(data []byte) (Manifest, error) {
	var m Manifest
	if len(data) > MaxManifest {
		return m, fmt.Errorf("reading the manifest: it has %d bytes, at most %d are allowed", len(data), MaxManifest)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("reading the manifest: %w", err)
	}
	if err := m.check(); err != nil {
		return m, fmt.Errorf("reading the manifest: %w", err)
	}
	return m, nil
}

func (m Manifest) check() error {
	if len(m.Version) > maxVersionSize || !semver.IsValid("v"+m.Version) {
		return fmt.Errorf("version %.80q is none", m.Version)
	}
	if u := m.UnsafeBefore; u != "" && (len(u) > maxVersionSize || !semver.IsValid("v"+u) || Newer(u, m.Version)) {
		return fmt.Errorf("unsafe before version %.80q: that is none, or one after this release", u)
	}
	if m.Expires.IsZero() {
		return errors.New("it does not say when it expires")
	}
	if len(m.Files) == 0 || len(m.Files) > maxFiles {
		return fmt.Errorf("it lists %d files, not 1 to %d", len(m.Files), maxFiles)
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		sum, err := hex.DecodeString(f.SHA256)
		switch {
		case !fileName.MatchString(f.Name):
			return fmt.Errorf("file name %.80q is none of a release", f.Name)
		case f.Size <= 0 || f.Size > MaxProgram:
			return fmt.Errorf("%s: its size %d is not from 1 to %d bytes", f.Name, f.Size, MaxProgram)
		case err != nil || len(sum) != 32:
			return fmt.Errorf("%s: its SHA-256 %.80q is none", f.Name, f.SHA256)
		case f.Platform == "" || seen[f.Platform]:
			return fmt.Errorf("%s: platform %.40q is empty or there twice", f.Name, f.Platform)
		}
		seen[f.Platform] = true
	}
	return nil
}

// For finds the program for a platform.
func (m Manifest) For(platform string) (File, bool) {
	for _, f := range m.Files {
		if f.Platform == platform {
			return f, true
		}
	}
	return File{}, false
}

// Urgent says whether a version has a hole that this release mends.
func (m Manifest) Urgent(installed string) bool {
	return m.UnsafeBefore != "" && Newer(m.UnsafeBefore, installed)
}

// Newer says whether version is newer than installed. Build metadata, which
// follows a plus sign, does not count.
func Newer(version, installed string) bool {
	return semver.Compare("v"+version, "v"+installed) > 0
}

// Platform is the running program's own: linux-amd64, linux-armv6.
func Platform() string {
	arm := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "GOARM" {
				arm = s.Value
			}
		}
	}
	return PlatformOf(runtime.GOOS, runtime.GOARCH, arm)
}

// PlatformOf names a platform by Go's words for it; arm is GOARM and counts for
// arm only.
func PlatformOf(os, arch, arm string) string {
	if arch == "arm" && arm != "" {
		return os + "-armv" + arm[:1]
	}
	return os + "-" + arch
}
