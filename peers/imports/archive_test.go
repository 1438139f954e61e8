package imports

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// entry is a file of an archive that a test makes.
type entry struct {
	name, text string
	kind       byte // of tar; 0: a file
}

func entriesOf(files map[string][]byte, below string) []entry {
	list := []entry{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		list = append(list, entry{name: below + name, text: string(files[name])})
	}
	return list
}

func zipped(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.text == "" {
			h.Method = zip.Store
		}
		mode := map[byte]fs.FileMode{0: 0o600, tar.TypeDir: fs.ModeDir | 0o700, tar.TypeSymlink: fs.ModeSymlink | 0o777, tar.TypeChar: fs.ModeDevice | fs.ModeCharDevice, tar.TypeFifo: fs.ModeNamedPipe}[e.kind]
		h.SetMode(mode)
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, e.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Mode: 0o600, ModTime: time.Unix(1700000000, 0)}
		switch e.kind {
		case 0:
			h.Typeflag, h.Size = tar.TypeReg, int64(len(e.text))
		case tar.TypeSymlink, tar.TypeLink:
			h.Linkname = e.text
		}
		err := w.WriteHeader(h)
		if err == nil && e.kind == 0 {
			_, err = io.WriteString(w, e.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFoldersAreReadFromArchives(t *testing.T) {
	for name, below := range map[string]string{"pivpn": "etc/wireguard/", "linuxserver": "./config/", "wgeasy14": ".wg-easy/"} {
		plain := folder(t, name)
		want, err := Read(plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		entries := append([]entry{{name: below, kind: tar.TypeDir}, {name: below + "templates/server.conf", text: "[Interface]\nListenPort = 51820\n"}, {name: below + "keys/anna_priv", text: "secret"}}, entriesOf(plain, below)...)
		backslashes := slices.Clone(entries)
		for i, e := range backslashes {
			if e.kind == 0 {
				backslashes[i].name = strings.ReplaceAll(e.name, "/", `\`)
			}
		}
		for kind, data := range map[string][]byte{"zip": zipped(t, entries...), "zip of Windows": zipped(t, backslashes...), "tar": tarred(t, entries...), "tar.gz": gzipped(t, tarred(t, entries...))} {
			files, err := Unpack(map[string][]byte{"old": data})
			if err != nil {
				t.Errorf("%s as %s: %v", name, kind, err)
				continue
			}
			if len(files) != len(plain) {
				t.Errorf("%s as %s: %d files, want %d: %v", name, kind, len(files), len(plain), slices.Sorted(maps.Keys(files)))
			}
			s, err := Read(files, nil)
			if err != nil || s.Kind != want.Kind || s.Port != want.Port || s.Endpoint != want.Endpoint || len(s.Devices) != len(want.Devices) || s.PrivateKey.Public().String() != serverKey {
				t.Errorf("%s as %s: %v, %+v", name, kind, err, s)
			}
		}
	}
}

func TestSeveralFilesMayComeWithoutAnArchive(t *testing.T) {
	plain := folder(t, "wgeasy14")
	files, err := Unpack(plain)
	if err != nil || len(files) != 2 || !bytes.Equal(files["wg0.json"], plain["wg0.json"]) {
		t.Errorf("%v: %v", err, slices.Sorted(maps.Keys(files)))
	}
}

func TestHostileArchivesAreRefused(t *testing.T) {
	conf := entry{name: "wg0.conf", text: "[Interface]\nListenPort = 1\n"}
	zeros := func(mib int) string { return strings.Repeat("\x00", mib<<20) }
	many := make([]entry, maxEntries+1)
	for i := range many {
		many[i] = entry{name: fmt.Sprintf("%d", i)}
	}
	manyConfs := make([]entry, MaxFiles+1)
	for i := range manyConfs {
		manyConfs[i] = entry{name: fmt.Sprintf("%d.conf", i)}
	}
	locked := zipped(t, conf)
	for _, start := range []string{"PK\x03\x04", "PK\x01\x02"} { // its flags say that it is encrypted
		at := bytes.Index(locked, []byte(start)) + map[string]int{"PK\x03\x04": 6, "PK\x01\x02": 8}[start]
		locked[at] |= 1
	}
	odd := make([]byte, 0)
	odd = append(odd, "Rar!\x1a\x07"...)
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"a name that leads out, zip":       {zipped(t, conf, entry{name: "../../etc/passwd.conf"}), `the name "../../etc/passwd.conf", which leads out of it`},
		"a name that leads out, backslash": {zipped(t, conf, entry{name: `..\..\x.conf`}), "leads out of it"},
		"a name that leads out, tar":       {tarred(t, conf, entry{name: "a/../../x.conf"}), "leads out of it"},
		"a name from the root, zip":        {zipped(t, conf, entry{name: "/etc/wireguard/wg0.conf"}), "leads out of it"},
		"a name from the root, tar":        {gzipped(t, tarred(t, conf, entry{name: "/etc/wireguard/wg0.conf"})), "leads out of it"},
		"a link, zip":                      {zipped(t, conf, entry{name: "x.conf", text: "/etc/shadow", kind: tar.TypeSymlink}), `"x.conf" in it is a link`},
		"a link, tar":                      {tarred(t, conf, entry{name: "x.conf", text: "/etc/shadow", kind: tar.TypeSymlink}), `"x.conf" in it is a link`},
		"a hard link":                      {tarred(t, conf, entry{name: "x.conf", text: "wg0.conf", kind: tar.TypeLink}), `"x.conf" in it is a link`},
		"a device, tar":                    {tarred(t, conf, entry{name: "zero.conf", kind: tar.TypeChar}), "neither a file nor a folder"},
		"a device, zip":                    {zipped(t, conf, entry{name: "zero.conf", kind: tar.TypeChar}), "neither a file nor a folder"},
		"a pipe, tar":                      {tarred(t, conf, entry{name: "pipe.conf", kind: tar.TypeFifo}), "neither a file nor a folder"},
		"a name for a terminal":            {zipped(t, conf, entry{name: "\x1b[2J.conf"}), "which is none"},
		"a bomb, zip":                      {zipped(t, conf, entry{name: "x.conf", text: zeros(20)}), "larger than any WireGuard server's"},
		"a bomb of several, zip":           {zipped(t, conf, entry{name: "x.conf", text: zeros(9)}, entry{name: "y.conf", text: zeros(9)}), "larger than any WireGuard server's"},
		"a bomb, tar.gz":                   {gzipped(t, tarred(t, conf, entry{name: "x.conf", text: zeros(20)})), "larger than any WireGuard server's"},
		"a bomb beside what matters":       {gzipped(t, tarred(t, conf, entry{name: "x.bin", text: zeros(70)})), "larger than any WireGuard server's"},
		"too many entries, zip":            {zipped(t, many...), "more than 20000 files"},
		"too many entries, tar":            {tarred(t, many...), "more than 20000 files"},
		"too many files, zip":              {zipped(t, manyConfs...), "they are more than 12000"},
		"a name twice":                     {zipped(t, conf, conf), "it is there twice"},
		"locked":                           {locked, "locked by a password"},
		"cut off, zip":                     {zipped(t, conf)[:60], "it cannot be read"},
		"cut off, tar.gz":                  {gzipped(t, tarred(t, conf))[:60], "it cannot be read"},
		"packed by others":                 {odd, "packed by rar"},
		"nothing in it":                    {zipped(t, entry{name: "holiday.jpg", text: "x"}), "nothing of a WireGuard server"},
		"an archive in an archive":         {zipped(t, entry{name: "inner.zip", text: string(zipped(t, conf))}), "nothing of a WireGuard server"},
	} {
		_, err := Unpack(map[string][]byte{"old.pack": c.data})
		var problems Problems
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "old.pack") && !strings.Contains(err.Error(), "the files") {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if err != nil && strings.ContainsRune(err.Error(), 0x1b) {
			t.Errorf("%s: the error can drive a terminal", name)
		}
	}
}

func TestAllThatIsWrongWithAnArchiveIsToldAtOnce(t *testing.T) {
	_, err := Unpack(map[string][]byte{"a.zip": zipped(t, entry{name: "../x"}, entry{name: "link", kind: tar.TypeSymlink, text: "y"}), "b.rar": []byte("Rar!")})
	for _, want := range []string{"3 problems", `"../x"`, `"link"`, "b.rar"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell %q", err, want)
		}
	}
}

func TestFilesOfNonsenseCostLittle(t *testing.T) {
	began := time.Now()
	head := "[Interface]\nListenPort = 1\n"
	for name, text := range map[string]string{
		"lines":     strings.Repeat("x\n", 4<<20),
		"addresses": "PrivateKey = AAgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM01o=\n[Peer]\nAllowedIPs = " + manyOf(300_000, func(i int) string { return fmt.Sprintf("10.%d.%d.%d,", i>>16, i>>8&255, i&255) }),
		"settings":  manyOf(300_000, func(i int) string { return fmt.Sprintf("a%d = 1\n", i) }),
	} {
		s, err := Read(map[string][]byte{"wg0.conf": []byte(head + text)}, nil)
		var problems Problems
		errors.As(err, &problems)
		if len(problems) == 0 && name != "settings" || len(problems) > maxProblems+1 || len(s.Dropped) > maxDropped+1 {
			t.Errorf("%s: %d problems, %d things dropped", name, len(problems), len(s.Dropped))
		}
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("that took %v", took)
	}
}

func manyOf(n int, one func(int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(one(i))
	}
	return b.String()
}
