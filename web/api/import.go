package api

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"time"

	"homeward/peers/imports"
)

// Importer takes over another server. Failures that are the caller's are *Failure.
type Importer interface {
	// Import takes files of another server, by name, and makes homeward that server;
	// with look it only says what would happen. homeward starts again by itself.
	Import(ctx context.Context, files map[string][]byte, look bool) (Imported, error)
}

// Bounds of what is sent, in bytes.
const (
	MaxImport     = imports.MaxFile // all files of another server together
	MaxImportBody = 2 * MaxImport   // of a request with them: as JSON they are longer by a third
)

// ImportPath is where a body may be as large as MaxImportBody.
const ImportPath = "/api/v1/import"

// ImportWanted are the files of another server, which may be packed (zip, tar, tar.gz).
type ImportWanted struct {
	Files  map[string][]byte `json:"files"`
	DryRun bool              `json:"dry_run"`
}

// Imported is what homeward takes over, or would.
type Imported struct {
	Kind      string           `json:"kind"`       // of software
	PublicKey string           `json:"public_key"` // of the server, which stays as it is
	Port      uint16           `json:"port"`
	Networks  []string         `json:"networks"`
	Endpoint  string           `json:"endpoint,omitempty"` // what the devices call, if it is known
	Devices   []ImportedDevice `json:"devices"`
	Told      []string         `json:"told"` // sentences
}

// ImportedDevice is one of its devices.
type ImportedDevice struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	Enabled   bool     `json:"enabled"`
}

// importServer takes the files as JSON, or as a form with the parts dry_run (optional,
// any value) and file, which may be there several times.
func (h handler) importServer(w http.ResponseWriter, r *http.Request) {
	_ = WaitForImport(w) // not every writer has deadlines; then none has to be moved
	in, err := importWanted(w, r)
	var done Imported
	if err == nil {
		done, err = h.Importer.Import(r.Context(), in.Files, in.DryRun)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.reply(w, http.StatusOK, done.full())
}

func importWanted(w http.ResponseWriter, r *http.Request) (in ImportWanted, err error) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && t == "multipart/form-data" {
		u, err := ReadUploads(r, "file", MaxImport)
		return ImportWanted{Files: u.Files, DryRun: u.Fields["dry_run"] != ""}, err
	}
	err = readUpTo(w, r, &in, MaxImportBody)
	return in, err
}

// importTime bounds how long the files of another server may be on their way.
const importTime = 5 * time.Minute

// WaitForImport gives a request the time that large files need.
func WaitForImport(w http.ResponseWriter) error {
	c := http.NewResponseController(w)
	return errors.Join(c.SetReadDeadline(time.Now().Add(importTime)), c.SetWriteDeadline(time.Now().Add(importTime+time.Minute)))
}

// Import takes over another server.
func (c *Client) Import(ctx context.Context, in ImportWanted) (Imported, error) {
	var done Imported
	err := c.call(ctx, "POST", ImportPath, in, &done)
	return done, err
}
