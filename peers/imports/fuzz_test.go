package imports

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// accepted checks what holds of every server that is read, whatever it was read from.
func accepted(t *testing.T, s Server, err error) {
	t.Helper()
	if err != nil {
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 || len(problems) > 2*maxProblems+2 {
			t.Fatalf("%v is no list of problems", err)
		}
		for _, p := range problems {
			harmlessText(t, p.Where)
			harmlessText(t, p.What)
		}
		return
	}
	harmlessText(t, s.Kind)
	harmlessText(t, s.Endpoint)
	w, err := s.Check(nil, now)
	if err != nil {
		accepted(t, Server{}, err)
		return
	}
	if w.Port == 0 || w.PrivateKey.IsZero() || !w.V4.IsValid() && !w.V6.IsValid() {
		t.Fatalf("port %d, networks %v, %v", w.Port, w.V4, w.V6)
	}
	names, keys, addresses := map[string]bool{}, map[wgtypes.Key]bool{w.PrivateKey.Public(): true}, map[string]bool{}
	for _, d := range w.Devices {
		if names[d.Name.Folded()] || keys[d.PublicKey] || len(d.Addresses) == 0 || len(d.Addresses) > 2 {
			t.Fatalf("%+v is not of its own", d)
		}
		names[d.Name.Folded()], keys[d.PublicKey] = true, true
		for _, a := range d.Addresses {
			if addresses[a.String()] || !w.V4.Contains(a) && !w.V6.Contains(a) {
				t.Fatalf("%v of %+v is not its own", a, d)
			}
			addresses[a.String()] = true
		}
	}
	for _, said := range w.Told {
		harmlessText(t, said)
		if strings.Contains(said, w.PrivateKey.Reveal().String()) {
			t.Fatalf("%q tells the server's key", said)
		}
	}
}

func harmlessText(t *testing.T, s string) {
	t.Helper()
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.Fatalf("%q can drive a terminal", s)
	}
}

func noTables([]byte, ...string) (map[string]Table, error) { return nil, errors.New("none") }

func seed(f *testing.F, name string) []byte {
	f.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		f.Fatal(err)
	}
	return b
}

func FuzzConf(f *testing.F) {
	for _, name := range []string{"pivpn/wg0.conf", "linuxserver/wg_confs/wg0.conf", "script/wg0.conf", "wgeasy14/wg0.conf", "wgeasy14/wg0.json"} {
		f.Add(name, seed(f, name))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		s, err := Read(map[string][]byte{name: text}, noTables)
		accepted(t, s, err)
	})
}

func FuzzEasy14(f *testing.F) {
	f.Add(seed(f, "wgeasy14/wg0.json"), seed(f, "wgeasy14/wg0.conf"), true)
	f.Add([]byte(`{"server":{"privateKey":"AAgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM01o=","address":"10.8.0.1"},"clients":{"x":null}}`), []byte{}, false)
	f.Fuzz(func(t *testing.T, text, conf []byte, beside bool) {
		if !beside {
			conf = nil
		}
		s, err := Easy14("wg0.json", text, conf)
		accepted(t, s, err)
	})
}

// The tables of wg-easy are given as JSON: what its database can hold.
func FuzzEasy15(f *testing.F) {
	text, err := json.Marshal(easy15Tables())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"interfaces_table":[{"port":1,"ipv4_cidr":"0.0.0.0/0","ipv6_cidr":"::ffff:0:0/96"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var raw map[string][]map[string]any
		if json.Unmarshal(text, &raw) != nil {
			return
		}
		tables := map[string]Table{}
		for name, rows := range raw {
			for _, row := range rows {
				for column, v := range row {
					if n, ok := v.(float64); ok {
						row[column] = int64(n)
					}
				}
				tables[name] = append(tables[name], row)
			}
		}
		s, err := Easy15("wg-easy.db", tables)
		accepted(t, s, err)
	})
}

func FuzzClients(f *testing.F) {
	f.Add(seed(f, "pivpn/configs/clients.txt"))
	f.Add([]byte("x " + keyA + " 99999999999999999999\n" + keyA + " 1"))
	conf := seed(f, "pivpn/wg0.conf")
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Read(map[string][]byte{"wg0.conf": conf, "configs/clients.txt": text}, noTables)
		accepted(t, s, err)
		for _, d := range s.Devices {
			if y := d.Created.Year(); !d.Created.IsZero() && (y < 1970 || y > 9999) {
				t.Fatalf("created in %d", y)
			}
		}
		if len(s.Devices) != 2 || s.Devices[0].Name != "anna" {
			t.Fatalf("a list of devices changed them: %+v", s.Devices)
		}
	})
}

func FuzzArchive(f *testing.F) {
	entries := []entry{{name: "a/", kind: tar.TypeDir}, {name: "a/wg0.conf", text: string(seed(f, "script/wg0.conf"))}, {name: "a/b.txt", text: "x"}}
	f.Add(zipped(f, entries...))
	f.Add(tarred(f, entries...))
	f.Add(gzipped(f, tarred(f, entries...)))
	f.Add(zipped(f, append(entries, entry{name: "../x", kind: tar.TypeSymlink, text: "y"})...))
	f.Add(tarred(f, append(entries, entry{name: "l.conf", kind: tar.TypeLink, text: "/etc/passwd"}, entry{name: "d", kind: tar.TypeChar})...))
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := Unpack(map[string][]byte{"up": data})
		sum := 0
		for name, b := range files {
			sum += len(b)
			if name != "up" && (!strings.HasPrefix(name, "up/") || slices.Contains(strings.Split(name, "/"), "..")) {
				t.Fatalf("it leads out: %q", name)
			}
		}
		if sum > MaxFile || len(files) > MaxFiles {
			t.Fatalf("%d bytes in %d files: %v", sum, len(files), slices.Sorted(maps.Keys(files)))
		}
		if err != nil {
			accepted(t, Server{}, err)
			return
		}
		s, err := Read(files, noTables)
		accepted(t, s, err)
	})
}
