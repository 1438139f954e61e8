package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestTextNeverPrints(t *testing.T) {
	const plain = "hunter2hunter2"
	hidden := NewText(plain)
	var log bytes.Buffer
	holder := struct {
		Text   Text
		inside Text // fmt calls no methods of what is not exported
	}{hidden, hidden}
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "text", hidden, "holder", holder)
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb+verb+verb, hidden, holder, &holder)
	}
	if strings.Contains(all, plain) || strings.Contains(all, fmt.Sprintf("%x", plain)) || !strings.Contains(all, textPlaceholder) {
		t.Errorf("a secret is shown, or no placeholder: %s", all)
	}
	if hidden.Reveal() != plain || hidden.IsZero() || !(Text{}).IsZero() {
		t.Error("a text does not survive the way through NewText and Reveal")
	}
}
