package dnsname

import (
	"encoding/json"
	"fmt"
	"time"

	"homeward/configs/secret"
	"homeward/upnp/ddns"
)

// Settings are what the owner chose. The fields are those of ddns.Config.
type Settings struct {
	Provider  ddns.Provider
	Name      string
	User      string
	Secret    secret.Text
	Server    string
	Path      string
	Zone      string
	Algorithm string
}

// sameAccount reports whether the secret of the one is good for the other.
func (s Settings) sameAccount(o Settings) bool {
	return s.Provider == o.Provider && s.User == o.User && s.Server == o.Server
}

// record is what is kept between two starts.
type record struct {
	Settings
	lastTry  time.Time // when the provider was asked last
	verified bool      // the zone had the name once
}

// stored is record as JSON, which never leaves the vault.
type stored struct {
	Provider, Name, User, Secret, Server, Path, Zone, Algorithm string
	LastTry                                                     time.Time
	Verified                                                    bool
}

func (r record) encode() ([]byte, error) {
	return json.Marshal(stored{
		string(r.Provider), r.Name, r.User, r.Secret.Reveal(), r.Server, r.Path, r.Zone, r.Algorithm, r.lastTry, r.verified,
	})
}

func decode(b []byte) (record, error) {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return record{}, fmt.Errorf("reading the settings of the DNS name: %w", err)
	}
	return record{
		Settings{ddns.Provider(s.Provider), s.Name, s.User, secret.NewText(s.Secret), s.Server, s.Path, s.Zone, s.Algorithm}, s.LastTry, s.Verified,
	}, nil
}
