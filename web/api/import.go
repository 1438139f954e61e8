package api

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"

	"homeward/peers"
	"homeward/peers/imports"
)

// Importer takes over another server. Failures that are the caller's are *Failure.
type Importer interface {
	// Import takes files of another server, by name, and makes homeward that server;
	// with look it only says what would happen. homeward starts again by itself.
	Import(ctx context.Context, files map[string][]byte, look bool) (Imported, error)
	// Interfaces tells what runs on this machine, but for homeward's own interface.
	Interfaces(context.Context) RunningInterfaces
	// ReadInterface is one of them as the files of a server, with its keys.
	ReadInterface(ctx context.Context, name string) (map[string][]byte, error)
}

// Bounds of what is sent, in bytes.
const (
	MaxImport     = imports.MaxFile // all files of another server together
	MaxImportBody = 2 * MaxImport   // of a request with them: as JSON they are longer by a third
)

// ImportPath is where a body may be as large as MaxImportBody.
const ImportPath = "/api/v1/import"

// ImportWanted names another server: by its files, which may be packed (zip, tar,
// tar.gz), or by the interface as which it runs on this machine.
type ImportWanted struct {
	Files       map[string][]byte `json:"files,omitempty"`
	Interface   string            `json:"interface,omitempty"` // instead of files
	DryRun      bool              `json:"dry_run"`
	WaitSeconds int               `json:"wait_seconds,omitempty"` // at most 120; how long the old server may still have its port, after it was read
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
	if err == nil && in.Interface != "" {
		in.Files, err = h.Importer.ReadInterface(r.Context(), in.Interface)
	}
	var done Imported
	if err == nil {
		done, err = h.importWithin(r.Context(), in)
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
	switch {
	case err != nil:
	case in.Interface != "" && len(in.Files) > 0:
		err = &peers.FieldError{Field: "interface", Problem: "name an interface or send files, not both"}
	case in.WaitSeconds < 0 || in.WaitSeconds > maxImportWait:
		err = &peers.FieldError{Field: "wait_seconds", Problem: fmt.Sprintf("use 0 to %d", maxImportWait)}
	}
	return in, err
}

// importWithin imports, and waits while the old server still has its port: once that is
// stopped, an interface cannot be read any more.
func (h handler) importWithin(ctx context.Context, in ImportWanted) (Imported, error) {
	over := time.After(time.Duration(in.WaitSeconds) * time.Second)
	for {
		done, err := h.Importer.Import(ctx, in.Files, in.DryRun)
		var failure *Failure
		if in.WaitSeconds == 0 || !errors.As(err, &failure) || failure.Field != "port" {
			return done, err
		}
		select {
		case <-over:
			return done, err
		case <-ctx.Done():
			return done, err
		case <-time.After(portAgain):
		}
	}
}

// How long an import waits for a port, in seconds, and how often it tries.
const (
	maxImportWait = 120
	portAgain     = 500 * time.Millisecond
)

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
