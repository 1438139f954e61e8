package api

import (
	"context"
	"encoding/json"
	"net/http"
)

// Importer takes over another server. Failures that are the caller's are *Failure.
type Importer interface {
	// Import takes files of another server, by name, and makes homeward that server;
	// with look it only says what would happen. homeward starts again by itself.
	Import(ctx context.Context, files map[string][]byte, look bool) (Imported, error)
}

// MaxImport is how much the files of another server may have together, in bytes.
const MaxImport = 16 << 20

// ImportWanted are the files of another server.
type ImportWanted struct {
	Files  map[string][]byte `json:"files"`
	DryRun bool              `json:"dry_run"`
}

// Imported is what homeward takes over, or would.
type Imported struct {
	Kind     string           `json:"kind"` // of software
	Port     uint16           `json:"port"`
	Networks []string         `json:"networks"`
	Endpoint string           `json:"endpoint,omitempty"` // what the devices call, if it is known
	Devices  []ImportedDevice `json:"devices"`
	Told     []string         `json:"told"` // sentences
}

// ImportedDevice is one of its devices.
type ImportedDevice struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	Enabled   bool     `json:"enabled"`
}

func (h handler) importServer(w http.ResponseWriter, r *http.Request, a Importer) {
	var in ImportWanted
	// The files are encoded by a third more than they have.
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 2*MaxImport)).Decode(&in); err != nil {
		h.fail(w, &requestError{http.StatusBadRequest, "the files cannot be read: " + err.Error()})
		return
	}
	done, err := a.Import(r.Context(), in.Files, in.DryRun)
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusOK, done.full())
}

// Import takes over another server.
func (c *Client) Import(ctx context.Context, in ImportWanted) (Imported, error) {
	var done Imported
	err := c.call(ctx, "POST", "/api/v1/import", in, &done)
	return done, err
}
