package api

import (
	"context"
	"net/http"
)

// House is what is set for the whole house.
type House interface {
	// Settings are those of this moment.
	Settings() Settings
	// ChangeSettings stores a change, all or nothing. A *peers.FieldError names the
	// wrong field.
	ChangeSettings(context.Context, SettingsChange) error
}

// Settings are those of the house. What is empty or zero is at its default.
type Settings struct {
	House     string `json:"house"`     // its name, for people
	Endpoint  string `json:"endpoint"`  // where devices call; empty: its DNS name, or what the router says
	Resolvers string `json:"resolvers"` // who answers for names, with commas between; empty: the box's own
	Echo      string `json:"echo"`      // STUN servers that are asked as whom they see the house, with commas between; empty: none
	MTU       int    `json:"mtu"`       // of devices, in bytes; 0: as the tunnel has it
	// KeepCodes says that the keys of new codes are kept, sealed, so that a code can be had
	// again. Switching it off erases all that are kept.
	KeepCodes bool `json:"keep_codes"`

	// What new devices get where nobody says otherwise.
	Profile   string `json:"profile"`
	Access    string `json:"access"`
	DNS       bool   `json:"dns"`
	Keepalive int    `json:"keepalive_seconds"` // 0: none

	// What follows cannot be changed here. EchoAnswered says that somebody has said who is
	// asked, or that nobody is; naming Echo in a change says so. EchoOffers are servers that
	// could be asked.
	EchoAnswered bool     `json:"echo_answered"`
	EchoOffers   []string `json:"echo_offers"`

	Calls string        `json:"calls"` // where devices that get a code now call; empty: not known
	File  []FileSetting `json:"file"`
}

// FileSetting is one of the operator's file, which is read at the start.
type FileSetting struct {
	Key     string `json:"key"`
	Value   string `json:"value"`   // empty: automatic
	Default string `json:"default"` // empty: automatic
}

// Fixed says whether the file decides where devices call, whatever Endpoint is.
func (s Settings) Fixed() bool {
	for _, f := range s.File {
		if f.Key == "endpoint" {
			return f.Value != ""
		}
	}
	return false
}

// SettingsChange changes what it has, all or nothing.
type SettingsChange struct {
	House     *string `json:"house,omitempty"`
	Endpoint  *string `json:"endpoint,omitempty"`
	Resolvers *string `json:"resolvers,omitempty"`
	Echo      *string `json:"echo,omitempty"`
	MTU       *int    `json:"mtu,omitempty"`
	Profile   *string `json:"profile,omitempty"`
	Access    *string `json:"access,omitempty"`
	DNS       *bool   `json:"dns,omitempty"`
	Keepalive *int    `json:"keepalive_seconds,omitempty"`
	KeepCodes *bool   `json:"keep_codes,omitempty"`
}

func (h handler) settings(w http.ResponseWriter, _ *http.Request) {
	h.tagged(w, http.StatusOK, h.House.Settings().full())
}

func (h handler) changeSettings(w http.ResponseWriter, r *http.Request) {
	var in SettingsChange
	err := read(w, r, &in)
	if err == nil && in == (SettingsChange{}) {
		err = &requestError{http.StatusBadRequest, "nothing to change: name one field or more"}
	}
	h.Turns.House.Lock()
	defer h.Turns.House.Unlock()
	if err == nil {
		err = matches(r, h.House.Settings().full().etag())
	}
	if err == nil {
		err = h.House.ChangeSettings(r.Context(), in)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.tagged(w, http.StatusOK, h.House.Settings().full())
}

// Settings asks for the settings of the house.
func (c *Client) Settings(ctx context.Context) (Settings, error) {
	var s Settings
	err := c.call(ctx, "GET", "/api/v1/settings", nil, &s)
	return s, err
}

// ChangeSettings changes settings of the house.
func (c *Client) ChangeSettings(ctx context.Context, in SettingsChange) (Settings, error) {
	var s Settings
	err := c.call(ctx, "PATCH", "/api/v1/settings", in, &s)
	return s, err
}
