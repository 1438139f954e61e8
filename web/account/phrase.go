package account

import (
	"fmt"
	"strings"

	"github.com/sethvargo/go-diceware/diceware"
)

// Suggest draws a password that people can remember and nobody guesses: five words of
// the Electronic Frontier Foundation's large list (7,776 words, published under CC BY), hence 64
// bits, by crypto/rand.
func Suggest() (string, error) {
	words, err := diceware.Generate(suggestedWords)
	if err != nil {
		return "", fmt.Errorf("drawing words for a password: %w", err)
	}
	return strings.Join(words, "-"), nil
}

const suggestedWords = 5
