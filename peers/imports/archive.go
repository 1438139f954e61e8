package imports

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of what is taken of archives.
const (
	MaxFiles    = 12_000   // of a server: one of each device's, and some of its own
	maxEntries  = 20_000   // of an archive, also those that don't matter
	maxUnpacked = 64 << 20 // bytes of an archive that can only be read in a row
)

// Unpack puts what matters in the archives among files (zip, tar, tar.gz) in their
// place, under the archive's name and the one it has there; what is no archive stays.
// A name leads nowhere: nothing is written. Links, devices and names that lead out of
// the archive are refused, and so is what is larger than a home's server: MaxFile in
// all, packed and unpacked. Archives within archives stay packed.
func Unpack(files map[string][]byte) (map[string][]byte, error) {
	u := &unpacker{files: map[string][]byte{}, room: MaxFile}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		u.file(name, files[name])
	}
	return u.files, u.problems.orNil()
}

// unpacker gathers files until they are too many.
type unpacker struct {
	files    map[string][]byte
	problems Problems
	room     int  // bytes that may still come
	full     bool // too much came, and was told
}

// Beginnings of what is packed in a way that is not read here.
var foreignPacks = map[string]string{"\xfd7zXZ\x00": "xz", "BZh": "bzip2", "7z\xbc\xaf\x27\x1c": "7z", "Rar!": "rar", "\x28\xb5\x2f\xfd": "zstd"}

func (u *unpacker) file(name string, data []byte) {
	for start, kind := range foreignPacks {
		if bytes.HasPrefix(data, []byte(start)) {
			u.problems.add(short(name), "it is packed by %s, which is not read here: pack it as zip or tar.gz", kind)
			return
		}
	}
	before := len(u.files)
	wrong := len(u.problems)
	switch {
	case bytes.HasPrefix(data, []byte("PK\x03\x04")), bytes.HasPrefix(data, []byte("PK\x05\x06")):
		u.zip(name, data)
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		u.gzip(name, data)
	case isTar(data):
		u.tar(name, bytes.NewReader(data))
	default:
		u.take(name, bytes.NewReader(data))
		return
	}
	if len(u.files) == before && len(u.problems) == wrong && !u.full {
		u.problems.add(short(name), "in this archive there is nothing of a WireGuard server: wg0.conf, wg0.json or wg-easy.db")
	}
}

// isTar looks for the mark that every tar since 1988 has.
func isTar(data []byte) bool {
	return len(data) >= 512 && string(data[257:262]) == "ustar"
}

func (u *unpacker) zip(name string, data []byte) {
	// The directory is read as a whole, whatever number of entries it tells.
	if bytes.Count(data, []byte("PK\x01\x02")) > maxEntries {
		u.problems.add(short(name), "it has more than %d files: that is no WireGuard server's", maxEntries)
		return
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		u.problems.add(short(name), "it cannot be read: %v", err)
		return
	}
	for _, f := range r.File {
		at, matters := u.entry(name, f.Name, f.Mode())
		switch {
		case !matters:
		case f.Flags&1 != 0:
			u.problems.add(short(at), "it is locked by a password: pack it without one")
		default:
			u.zipped(at, f)
		}
	}
}

func (u *unpacker) zipped(at string, f *zip.File) {
	r, err := f.Open()
	if err != nil {
		u.problems.add(short(at), "it cannot be read: %v", err)
		return
	}
	u.take(at, r)
	_ = r.Close() // it was read in memory
}

func (u *unpacker) gzip(name string, data []byte) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		u.problems.add(short(name), "it cannot be read: %v", err)
		return
	}
	u.tar(name, &bounded{z, maxUnpacked})
}

// errUnpacked says that an archive becomes too large.
var errUnpacked = errors.New("unpacked, it is too large")

// bounded fails after a number of bytes.
type bounded struct {
	r    io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errUnpacked
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (u *unpacker) tar(name string, from io.Reader) {
	r := tar.NewReader(from)
	for range maxEntries {
		h, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.Is(err, errUnpacked):
			u.tooLarge(name)
			return
		case err != nil:
			u.problems.add(short(name), "it cannot be read: %v", err)
			return
		}
		mode := h.FileInfo().Mode()
		switch h.Typeflag {
		case tar.TypeXGlobalHeader:
			continue
		case tar.TypeReg, tar.TypeDir:
		case tar.TypeLink:
			mode |= fs.ModeSymlink // a hard one is a link, too
		default:
			mode |= fs.ModeIrregular
		}
		if at, matters := u.entry(name, h.Name, mode); matters {
			u.take(at, r)
		}
	}
	u.problems.add(short(name), "it has more than %d files: that is no WireGuard server's", maxEntries)
}

// entry judges one of an archive: the name for it here, and whether it is to be read.
func (u *unpacker) entry(archive, name string, mode fs.FileMode) (at string, matters bool) {
	name = strings.ReplaceAll(name, `\`, "/") // as some on Windows write it
	at = archive + "/" + path.Clean("/" + name)[1:]
	switch {
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		u.problems.add(short(archive), "it has a file with the name %q, which is none", short(name))
	case path.IsAbs(name), slices.Contains(strings.Split(name, "/"), ".."):
		u.problems.add(short(archive), "it has the name %q, which leads out of it: pack the folder anew, from within", short(name))
	case mode&fs.ModeSymlink != 0:
		u.problems.add(short(archive), "%q in it is a link: pack the files that links lead to", short(name))
	case !mode.IsRegular() && !mode.IsDir():
		u.problems.add(short(archive), "%q in it is neither a file nor a folder", short(name))
	default:
		return at, mode.IsRegular() && ofServer(name)
	}
	return at, false
}

// ofServer says whether a file of an archive can be one of a server's.
func ofServer(name string) bool {
	parts := strings.Split(name, "/")
	if slices.ContainsFunc(parts, func(p string) bool { return p == "templates" || p == "__MACOSX" || strings.HasPrefix(p, "._") }) {
		return false
	}
	base := path.Base(name)
	return base == "wg0.json" || base == "wg-easy.db" || base == clientsFile || strings.HasSuffix(base, ".conf")
}

// take reads a file as long as there is room.
func (u *unpacker) take(name string, r io.Reader) {
	if u.full {
		return
	}
	if _, twice := u.files[name]; twice {
		u.problems.add(short(name), "it is there twice")
		return
	}
	if len(u.files) >= MaxFiles {
		u.full = true
		u.problems.add("the files", "they are more than %d: that is no WireGuard server's", MaxFiles)
		return
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(u.room)+1))
	switch {
	case errors.Is(err, errUnpacked), len(b) > u.room:
		u.tooLarge(name)
	case err != nil:
		u.problems.add(short(name), "it cannot be read: %v", err)
	default:
		u.files[name] = b
		u.room -= len(b)
	}
}

func (u *unpacker) tooLarge(name string) {
	if !u.full {
		u.problems.add(short(name), "unpacked, it is larger than any WireGuard server's: %d MiB are the limit", MaxFile>>20)
	}
	u.full = true
}
