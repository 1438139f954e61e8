// Package wordlist has words that are easy to read, to say and to type: the Electronic
// Frontier Foundation's large list for dice (2016, by Joseph Bonneau, published under
// CC BY 3.0 US), without the numbers of the dice.
//
// It stays a text in the program's file. A table in memory, as the libraries for it
// build, would be the largest thing that a box at rest has there.
package wordlist

import (
	"crypto/rand"
	_ "embed"
	"fmt"
	"math/big"
	"strings"
)

// Length is the number of words: five dice.
const Length = 6 * 6 * 6 * 6 * 6

//go:embed eff_large_wordlist.txt
var list string

// At returns the nth word, of [0, Length). Another n is a mistake in the program.
func At(n int) string {
	if n < 0 || n >= Length {
		panic(fmt.Sprintf("wordlist: there is no word %d", n))
	}
	rest := list
	for range n {
		rest = rest[strings.IndexByte(rest, '\n')+1:]
	}
	word, _, _ := strings.Cut(rest, "\n")
	return word
}

// Draw returns n words by crypto/rand, each 12.9 bits. One may come twice.
func Draw(n int) ([]string, error) {
	words := make([]string, n)
	for i := range words {
		at, err := rand.Int(rand.Reader, big.NewInt(Length))
		if err != nil {
			return nil, fmt.Errorf("drawing a word: %w", err)
		}
		words[i] = At(int(at.Int64()))
	}
	return words, nil
}
