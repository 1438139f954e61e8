package account

import (
	"fmt"
	"strings"

	"homeward/web/wordlist"
)

// Suggest draws a password that people can remember and nobody guesses: five words of
// the Electronic Frontier Foundation's large list (7,776 words, published under CC BY), hence 64
// bits, by crypto/rand.
func Suggest() (string, error) {
	words, err := wordlist.Draw(suggestedWords)
	if err != nil {
		return "", fmt.Errorf("suggesting a password: %w", err)
	}
	return strings.Join(words, "-"), nil
}

const suggestedWords = 5
