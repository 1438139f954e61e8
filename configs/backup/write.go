package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"filippo.io/age"

	"homeward/configs/state"
)

// Content is what is to be sealed, gathered at one moment. It is closed by Close.
type Content struct {
	Manifest Manifest
	database *os.File
	small    [][]byte // the other entries
}

// Gather copies what st knows at this moment.
func Gather(ctx context.Context, st *state.State, version string, now time.Time) (*Content, error) {
	schema, err := state.Schema()
	if err != nil {
		return nil, err
	}
	c := &Content{Manifest: Manifest{Format: format, Made: now.UTC().Truncate(time.Second), Homeward: version, Schema: schema}}
	if c.database, err = st.CopyDatabase(ctx); err != nil {
		return nil, err
	}
	if err := c.read(st); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Content) read(st *state.State) error {
	for _, k := range kinds {
		e := Entry{Name: k.name}
		h := sha256.New()
		if k.name == entryDatabase {
			n, err := io.Copy(h, c.database)
			if err != nil {
				return fmt.Errorf("reading the copy of the database: %w", err)
			}
			e.Size = n
		} else {
			b, ok, err := st.ReadFile(k.file)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			h.Write(b)
			e.Size = int64(len(b))
			c.small = append(c.small, b)
		}
		if e.Size > k.max {
			return fmt.Errorf("backing up: %s has %d bytes, and %d are the limit", st.Path(k.file), e.Size, k.max)
		}
		e.SHA256 = sum(h.Sum(nil))
		c.Manifest.Entries = append(c.Manifest.Entries, e)
	}
	return nil
}

// Seal writes the backup. What was written is worth nothing when it fails.
func (c *Content) Seal(to Recipient, w io.Writer) error {
	sealed, err := age.Encrypt(w, to.to)
	if err == nil {
		err = c.write(sealed)
	}
	if err == nil {
		err = sealed.Close()
	}
	if err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return nil
}

func (c *Content) write(w io.Writer) error {
	manifest, err := json.Marshal(c.Manifest)
	if err != nil {
		return err
	}
	if _, err := c.database.Seek(0, io.SeekStart); err != nil {
		return err
	}
	parts := []io.Reader{bytes.NewReader(head(manifest)), c.database}
	for _, b := range c.small {
		parts = append(parts, bytes.NewReader(b))
	}
	_, err = io.Copy(w, io.MultiReader(parts...))
	return err
}

// head is what comes before the entries: the magic line, the manifest's length in
// four bytes, the greatest first, and the manifest.
func head(manifest []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte(magic), uint32(len(manifest)))
	return append(b, manifest...)
}

// Close gives up what was gathered.
func (c *Content) Close() error { return c.database.Close() }
