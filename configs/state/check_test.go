package state

import "testing"

func TestPagesThatTheDiskDoesNotGiveAreNoDamage(t *testing.T) {
	for verdict, want := range map[string]bool{
		"*** in database main ***\nTree 28 page 28: unable to get the page. error code=8458": true,
		"Tree 3 page 3: unable to get the page. error code=10":                               true,
		"Tree 3 page 3: unable to get the page. error code=11":                               false,
		"Tree 2 page 2 cell 0: Rowid 5 out of order":                                         false,
		"ok": false,
	} {
		if got := ofDisk(verdict); got != want {
			t.Errorf("%q: %v, want %v", verdict, got, want)
		}
	}
}
