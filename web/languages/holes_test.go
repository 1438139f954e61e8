package languages

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// slow is the obvious way to find what was filled in.
func slow(parts []string, english string) ([]string, bool) {
	var quoted []string
	for _, p := range parts {
		quoted = append(quoted, regexp.QuoteMeta(p))
	}
	m := regexp.MustCompile(`(?s)^` + strings.Join(quoted, `(.+?)`) + `$`).FindStringSubmatch(english)
	if m == nil {
		return nil, false
	}
	return m[1:], true
}

func TestFillingsAreFound(t *testing.T) {
	for _, c := range []struct {
		parts   []string
		english string
		want    []string
	}{
		{[]string{"UDP ", " is open."}, "UDP 5 is open.", []string{"5"}},
		{[]string{"UDP ", " is open."}, "UDP  is open.", nil},
		{[]string{"UDP ", " is open."}, "TCP 5 is open.", nil},
		{[]string{"UDP ", " is open."}, "UDP 5 is open. It is.", nil},
		{[]string{"", ""}, "anything\nat all", []string{"anything\nat all"}},
		{[]string{"", ": ", ""}, "a: b: c", []string{"a", "b: c"}},
		{[]string{"", "", "."}, "äb.", []string{"ä", "b"}},
		{[]string{"aa", "aa"}, "aaa", nil},
	} {
		got, ok := fillings(c.parts, c.english)
		if ok != (c.want != nil) || !slices.Equal(got, c.want) {
			t.Errorf("%q in %q: %q, %v, want %q", c.parts, c.english, got, ok, c.want)
		}
	}
}

func TestFillingsAreThoseOfTheObviousWay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(most int) string {
		var b strings.Builder
		for range random.IntN(most + 1) {
			b.WriteString([]string{"a", "b", ".", "ä"}[random.IntN(4)])
		}
		return b.String()
	}
	found := 0
	for range 20_000 {
		parts := []string{word(2)}
		for range 1 + random.IntN(3) {
			parts = append(parts, word(2))
		}
		english := word(10)
		got, ok := fillings(parts, english)
		want, wantOK := slow(parts, english)
		if ok != wantOK || !slices.Equal(got, want) {
			t.Fatalf("%q in %q: %q, %v, want %q, %v", parts, english, got, ok, want, wantOK)
		}
		if ok {
			found++
		}
	}
	if found < 1000 {
		t.Errorf("only %d texts were found: this proves little", found)
	}
}
