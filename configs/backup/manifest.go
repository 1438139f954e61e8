package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"homeward/configs/state"
)

const (
	// format is the version of the archive, in its first line.
	format = 1
	magic  = "homeward backup 1\n"
	// maxManifest bounds the manifest, in bytes.
	maxManifest = 16 << 10
	// MaxSize bounds a sealed backup, in bytes: the entries and what seals them.
	MaxSize = maxDatabase + 1<<20
	// maxDatabase is room for 10,000 devices with years of history.
	maxDatabase = 512 << 20
)

// The names of the entries.
const (
	entryDatabase = "database"
	entryVaultKey = "vault-key"
	entryCert     = "page-certificate"
	entryCertKey  = "page-key"
)

// kind is what an entry may be.
type kind struct {
	name string
	file string // in the state directory
	max  int64  // bytes
}

// kinds are all entries that there are, in their order. The database is required.
var kinds = []kind{
	{entryDatabase, state.DatabaseFile, maxDatabase},
	{entryVaultKey, state.VaultKeyFile, 1 << 10},
	{entryCert, state.PageCertFile, 64 << 10},
	{entryCertKey, state.PageKeyFile, 64 << 10},
}

// Manifest says what is in a backup.
type Manifest struct {
	Format   int       `json:"format"`
	Made     time.Time `json:"made"`
	Homeward string    `json:"homeward"` // the version that made it
	Schema   int       `json:"schema"`   // of the database
	Entries  []Entry   `json:"entries"`
}

// Entry is one piece of data.
type Entry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex
}

// parseManifest reads a manifest strictly; everything wrong with it is a *Refusal.
func parseManifest(b []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Manifest{}, refuse("file", "the backup is damaged: its manifest cannot be read")
	}
	if m.Format != format {
		return Manifest{}, refuse("file", "the backup has format %d, and this homeward knows format %d", m.Format, format)
	}
	next := 0
	for _, e := range m.Entries {
		k, at := kindOf(e.Name)
		switch {
		case at < 0:
			return Manifest{}, refuse("file", "the backup has an entry %.40q, which is none of homeward's", e.Name)
		case at < next:
			return Manifest{}, refuse("file", "the backup's entry %s is out of order, or there twice", e.Name)
		case e.Size < 0 || e.Size > k.max:
			return Manifest{}, refuse("file", "the backup's entry %s has %d bytes, and %d are the limit", e.Name, e.Size, k.max)
		case len(e.SHA256) != hex.EncodedLen(sha256.Size):
			return Manifest{}, refuse("file", "the backup's entry %s has no SHA-256 sum", e.Name)
		}
		next = at + 1
	}
	if len(m.Entries) == 0 || m.Entries[0].Name != entryDatabase {
		return Manifest{}, refuse("file", "the backup has no database")
	}
	return m, nil
}

func kindOf(name string) (kind, int) {
	for i, k := range kinds {
		if k.name == name {
			return k, i
		}
	}
	return kind{}, -1
}

func sum(b []byte) string { return fmt.Sprintf("%x", b) }
