package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestKeyNeverPrints(t *testing.T) {
	k, err := GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	plain := k.Reveal()
	var log bytes.Buffer
	holder := struct{ K Key }{k}
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "key", k, "holder", holder)
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"%v": fmt.Sprintf("%v", k), "%+v": fmt.Sprintf("%+v", holder), "%#v": fmt.Sprintf("%#v", holder),
		"%s": fmt.Sprintf("%s", k), "%x": fmt.Sprintf("%x", k), "%d": fmt.Sprintf("%d", k),
		"pointer": fmt.Sprintf("%v", &holder), "log": log.String(), "json": string(asJSON),
	} {
		if !strings.Contains(got, keyPlaceholder) {
			t.Errorf("%s = %q, want the placeholder", name, got)
		}
		for _, form := range []string{plain.String(), fmt.Sprintf("%x", plain[:]), fmt.Sprint([32]byte(plain))} {
			if strings.Contains(got, strings.Trim(form, "[]")) {
				t.Errorf("%s shows the key", name)
			}
		}
	}
}

func TestRevealGivesTheKeyBack(t *testing.T) {
	k, err := GeneratePresharedKey()
	if err != nil {
		t.Fatal(err)
	}
	if NewKey(k.Reveal()) != k || k.IsZero() || !(Key{}).IsZero() {
		t.Error("a key does not survive the way through Reveal and NewKey")
	}
}
