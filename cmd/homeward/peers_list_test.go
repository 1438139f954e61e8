package main

import (
	"strings"
	"testing"
	"time"

	"homeward/peers"
	"homeward/web/api"
)

// The list says below it whose code is in two devices, and nothing that only the
// device's own page has to say.
func TestTheListNamesACodeThatIsInTwoDevices(t *testing.T) {
	var out strings.Builder
	copied := api.Hint{Key: string(peers.HintTwoPlaces), Text: "Its key is used from two places in turns."}
	list := []api.Peer{{ID: 1, Name: "Anna's phone", Hints: []api.Hint{{Key: string(peers.HintNoInternet), Text: "It has no internet."}, copied}}, {ID: 2, Name: "laptop"}}
	if err := printPeers(&out, list, time.Now()); err != nil {
		t.Fatal(err)
	}
	if said := out.String(); strings.Count(said, "→") != 1 || !strings.HasSuffix(said, "→ Anna's phone: Its key is used from two places in turns.\n") {
		t.Errorf("%s", said)
	}
}
