package ddns

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestCredentialsCannotBePrinted(t *testing.T) {
	c := NewCredentials("the-user", token)
	config := Config{Provider: DeSEC, Name: "home.dedyn.io", Credentials: c}
	hidden := struct{ inner Credentials }{c} // fmt calls no method of an unexported field
	u, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range []any{c, &c, config, &config, hidden, &hidden, []Credentials{c}, map[string]Credentials{"a": c}, u, *u.publisher.(*desec)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			out = append(out, fmt.Sprintf(verb, v))
		}
	}
	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(h).Info("x", "credentials", c, "config", config.Credentials, "hidden", hidden, "list", []Credentials{c})
	}
	j, err := json.Marshal(map[string]any{"c": c, "hidden": hidden, "p": &c})
	if err != nil {
		t.Fatal(err)
	}
	type page struct{ C Credentials }
	x, err := xml.Marshal(page{c})
	if err != nil {
		t.Fatal(err)
	}
	out = append(out, log.String(), string(j), string(x))
	for _, s := range out {
		for _, secret := range []string{token, "the-user", fmt.Sprintf("%x", token), fmt.Sprintf("%X", token), fmt.Sprint([]byte(token))} {
			if strings.Contains(s, secret) {
				t.Errorf("the secret is in %q", s)
			}
		}
	}
	// control: the same search finds it where it is
	if s := fmt.Sprint(struct{ inner heldCredentials }{c.held()}); !strings.Contains(s, token) {
		t.Errorf("the control fails: %q", s)
	}
	if c.user() != "the-user" || c.secret() != token {
		t.Error("the credentials are not kept")
	}
}
