package imports

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Tables reads the tables of an SQLite database.
type Tables func(database []byte, names ...string) (map[string]Table, error)

var (
	listens  = regexp.MustCompile(`(?mi)^[ \t]*ListenPort[ \t]*=`)
	endpoint = regexp.MustCompile(`(?mi)^[ \t]*Endpoint[ \t]*=[ \t]*(\S+)`)
	section  = regexp.MustCompile(`(?mi)^[ \t]*\[Peer\]`)
)

// Read finds out whose files these are, by name and content, and reads them. A
// database is read by tables.
func Read(files map[string][]byte, tables Tables) (Server, error) {
	var servers, others []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		switch {
		case bytes.HasPrefix(data, []byte("SQLite format 3\x00")):
			read, err := tables(data, "interfaces_table", "clients_table", "user_configs_table", "hooks_table")
			if err != nil {
				return Server{}, Problems{{short(name), fmt.Sprintf("the database cannot be read: %v", err)}}
			}
			s, err := Easy15(name, read)
			if len(data) > 19 && (data[18] == 2 || data[19] == 2) { // it is written ahead of
				s.drop("%s: what wg-easy wrote last may be in the file %s beside it, which is not read: stop wg-easy before you copy this one.", short(name), short(path.Base(name)+"-wal"))
			}
			return s, err
		case strings.HasSuffix(name, ".json"):
			return Easy14(name, data, files[path.Join(path.Dir(name), "wg0.conf")])
		case listens.Match(data):
			servers = append(servers, name)
		default:
			others = append(others, name)
		}
	}
	if len(servers) > 1 { // linuxserver writes a ListenPort into its devices' files, too
		servers = slices.DeleteFunc(servers, func(name string) bool {
			ofDevice := endpoint.Match(files[name]) && len(section.FindAllIndex(files[name], 2)) == 1
			if ofDevice {
				others = append(others, name)
			}
			return ofDevice
		})
	}
	switch len(servers) {
	case 0:
		return Server{}, Problems{{"the files", "none of them is a WireGuard server's: that has [Interface] with a ListenPort, or is wg-easy's wg0.json or wg-easy.db"}}
	case 1:
	default:
		return Server{}, Problems{{"the files", fmt.Sprintf("more than one is a server's: %s. Import one of them alone", short(strings.Join(servers, ", ")))}}
	}
	s, err := Conf(servers[0], files[servers[0]])
	for _, name := range others { // of devices, which know what they call
		if path.Base(name) == clientsFile {
			s.clients(name, files[name])
			continue
		}
		if m := endpoint.FindSubmatch(files[name]); m != nil && s.Endpoint == "" {
			s.Endpoint = short(string(m[1]))
		}
	}
	return s, err
}
