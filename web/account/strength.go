package account

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Strength is how much a password withstands.
type Strength string

// The strengths there are.
const (
	StrengthLow  Strength = "low"  // guessing over the network, which is slowed down
	StrengthFair Strength = "fair" // most who have a copy of the disk
	StrengthGood Strength = "good" // everybody, unless it stands somewhere
)

// What counts for a strength, in characters that add something.
const (
	fairFrom = 14
	goodFrom = 18
)

// StrengthOf judges a password by its length: what repeats itself or goes on as the
// two characters before adds nothing, and a digit adds half. It cannot know where else a
// password is used, or in which book it stands.
func StrengthOf(p string) Strength {
	half := 0
	var last, step rune
	for _, r := range strings.ToLower(unit(p)) {
		before := step
		step = r - last
		switch {
		case step == before && step >= -1 && step <= 1: // aaa, abc, 321
		case unicode.IsDigit(r):
			half++
		default:
			half += 2
		}
		last = r
	}
	switch {
	case half >= 2*goodFrom:
		return StrengthGood
	case half >= 2*fairFrom:
		return StrengthFair
	}
	return StrengthLow
}

// unit is what a password consists of: the shortest beginning of which it is a
// repetition.
func unit(p string) string {
	for n := 1; n <= len(p)/2; n++ {
		if len(p)%n == 0 && strings.Repeat(p[:n], len(p)/n) == p && utf8.ValidString(p[:n]) {
			return p[:n]
		}
	}
	return p
}

// firstGuesses are the words with which lists of the most common passwords are full, in
// the page's languages. Guessers put digits and signs around them first.
var firstGuesses = strings.Fields(`
	admin administrator adminadmin root user login guest default master secret letmein welcome access internet wireguard
	homeward raspberry ubuntu synology router password passwords passw0rd p@ssw0rd p@ssword password1 mypassword passphrase
	iloveyou sunshine princess dragon monkey football baseball basketball superman batman starwars trustno pokemon shadow
	passwort kennwort willkommen geheim hallo schatz ichliebedich qwertz fritzbox
	пароль мойпароль привет люблю администратор любовь parol privet lubov
	contraseña contrasena micontraseña bienvenido hola tequiero teamo clave secreto`)

// walks are ways over keyboards and along digits.
var walks = []string{
	"01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz",
	"qwertyuiop[]", "qwertzuiopü", "asdfghjkl;'", "zxcvbnm,./", "yxcvbnm,.-", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю",
	"1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm", "qwertyuiopasdfghjklzxcvbnm",
}

// common reports whether p is among what is guessed first: such a word, or a walk, with
// or without digits and signs around it, any number of times.
func common(p string) bool {
	p = unit(strings.ToLower(p))
	bare := unit(strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) }))
	for _, s := range []string{p, bare} {
		if slices.Contains(firstGuesses, s) {
			return true
		}
		if utf8.RuneCountInString(s) >= 4 && slices.ContainsFunc(walks, func(w string) bool { return strings.Contains(w, s) }) {
			return true
		}
	}
	return false
}
