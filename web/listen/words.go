package listen

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"math/big"
	"strings"

	"homeward/web/wordlist"
)

// fingerprintWords is how many words stand for a fingerprint. Six of 7,776 words are
// 77 bits: nobody makes a second certificate with the same ones.
const fingerprintWords = 6

// Words is the SHA-256 fingerprint of the certificate for people who compare by
// reading: the fingerprint as a number modulo 7776^6, written in base 7776 with the words of
// the list from which passwords are suggested, the highest first.
func Words(c tls.Certificate) (string, error) {
	if len(c.Certificate) == 0 {
		return "", errors.New("reading the page's TLS certificate: it is empty")
	}
	sum := sha256.Sum256(c.Certificate[0])
	left, digit, base := new(big.Int).SetBytes(sum[:]), new(big.Int), big.NewInt(wordlist.Length)
	words := make([]string, fingerprintWords)
	for i := range words {
		left.DivMod(left, base, digit)
		words[len(words)-1-i] = wordlist.At(int(digit.Int64()))
	}
	return strings.Join(words, " "), nil
}
