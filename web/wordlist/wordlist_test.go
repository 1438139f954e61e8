package wordlist

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
)

func TestTheListIsTheFoundations(t *testing.T) {
	const want = "6d557f0693958fb5e650b68b5bee585eb82cf4da32965505c789e924743bc522"
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(list))); got != want {
		t.Errorf("the list's SHA-256 is %s, want %s", got, want)
	}
}

func TestEveryNumberHasAWordOfItsOwn(t *testing.T) {
	seen := map[string]int{}
	for n := range Length {
		w := At(n)
		if before, twice := seen[w]; len(w) < 3 || twice {
			t.Fatalf("%d is %q, as is %d", n, w, before)
		}
		seen[w] = n
	}
	if At(0) != "abacus" || At(Length-1) != "zoom" {
		t.Errorf("the list goes from %q to %q", At(0), At(Length-1))
	}
}

func TestNoWordOutsideOfTheList(t *testing.T) {
	for _, n := range []int{-1, Length} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("word %d is %q", n, At(n))
				}
			}()
			At(n)
		}()
	}
}

func TestWordsAreDrawnFromTheWholeList(t *testing.T) {
	words, err := Draw(2000)
	if err != nil || len(words) != 2000 {
		t.Fatalf("%d words, %v", len(words), err)
	}
	slices.Sort(words)
	// By chance, less than once in 10^20.
	if words[0] > At(Length/20) || words[len(words)-1] < At(Length-Length/20) {
		t.Errorf("2000 words go only from %q to %q", words[0], words[len(words)-1])
	}
	if different := len(slices.Compact(words)); different < 1500 {
		t.Errorf("only %d of 2000 words differ", different)
	}
}
