package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"homeward/configs/secret"
)

// maxHeader bounds the part of an age file that is parsed before the key is known to
// be right. Ours has about 200 bytes.
const maxHeader = 4 << 10

// Archive is an opened backup whose entries were not read yet.
type Archive struct {
	Manifest Manifest
	r        io.Reader
}

// Open reads the head of a sealed backup. What is wrong with the file or the key is a
// *Refusal.
func Open(sealed io.Reader, key secret.Text) (*Archive, error) {
	u, err := newUnlock(key)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(sealed, maxHeader)
	start, err := in.Peek(maxHeader)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the backup: %w", err)
	}
	if !bytes.HasPrefix(start, []byte("age-encryption.org/")) {
		return nil, refuse("file", "this file is not a backup of homeward")
	}
	if !bytes.Contains(start, []byte("\n--- ")) {
		return nil, refuse("file", "the backup is damaged: its beginning is not whole")
	}
	plain, err := age.Decrypt(in, u)
	if err != nil {
		return nil, foreign(err)
	}
	a := &Archive{r: plain}
	return a, a.readHead()
}

// foreign says what an error of age means, which are about the file except when
// reading it fails.
func foreign(err error) error {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return &Refusal{Field: "file", Text: "the backup is damaged: it was cut off or changed", Err: err}
}

func (a *Archive) readHead() error {
	b := make([]byte, len(magic)+4)
	if _, err := io.ReadFull(a.r, b); err != nil {
		return foreign(err)
	}
	if string(b[:len(magic)]) != magic {
		return refuse("file", "this is not a backup of homeward, or one of a newer homeward: install the newest version")
	}
	n := binary.BigEndian.Uint32(b[len(magic):])
	if n > maxManifest {
		return refuse("file", "the backup's manifest has %d bytes, and %d are the limit", n, maxManifest)
	}
	manifest := make([]byte, n)
	if _, err := io.ReadFull(a.r, manifest); err != nil {
		return foreign(err)
	}
	var err error
	a.Manifest, err = parseManifest(manifest)
	return err
}

// Extract hands every entry to put, under the name of its file in the state
// directory, and checks sizes, sums and the end. Nothing that put got may be used
// when it fails.
func (a *Archive) Extract(put func(file string, content io.Reader) error) error {
	for _, e := range a.Manifest.Entries {
		k, _ := kindOf(e.Name)
		h := sha256.New()
		r := &reader{r: io.TeeReader(io.LimitReader(a.r, e.Size), h)}
		err := put(k.file, r)
		switch {
		case r.err != nil:
			return foreign(r.err)
		case err != nil:
			return err
		case r.n != e.Size || sum(h.Sum(nil)) != e.SHA256:
			return refuse("file", "the backup is damaged: its entry %s is not what the manifest says", e.Name)
		}
	}
	var more [1]byte
	switch n, err := io.ReadFull(a.r, more[:]); {
	case n > 0:
		return refuse("file", "the backup has something after its last entry")
	case !errors.Is(err, io.EOF):
		return foreign(err)
	}
	return nil
}

// reader tells an error of the archive from one of whoever writes it to the disk.
type reader struct {
	r   io.Reader
	n   int64
	err error
}

func (r *reader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
