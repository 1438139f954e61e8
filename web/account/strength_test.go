package account

import (
	"errors"
	"strings"
	"testing"
)

func TestWhatIsGuessedFirstIsRefused(t *testing.T) {
	for _, p := range []string{"1234567890", "0987654321", "password12", "Password123!", "passwordpassword", "qwertyuiop", "Qwertyuiop1", "1q2w3e4r5t", "1qaz2wsx3edc",
		"homeward2026", "Administrator", "пароль1234", "йцукенгшщз", "contraseña1", "Passwort123", "!!letmein!!", "12345678901234567890", "adminadmin", "abcdefghij"} {
		var bad *PasswordError
		if err := checkPassword(p); !errors.As(err, &bad) || !strings.Contains(bad.Problem, "first") {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, p := range []string{good, "another password", "password number 7", "annas own password", "zug-fenster-lampe", "qwertyuiop und noch etwas", "длинный пароль", "7391846205"} {
		if err := checkPassword(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestStrengthGoesByWhatAddsSomething(t *testing.T) {
	for p, want := range map[string]Strength{
		"zug-fenster-lampe-uhr": StrengthGood, "correct horse battery": StrengthGood, "длинный пароль и ещё": StrengthGood,
		"zug-fenster-lam": StrengthFair, "zug-fenster": StrengthLow,
		"73918462057391846205": StrengthLow, "aaaaaaaaaaaaaaaabcd": StrengthLow, "zugfensterzugfenster": StrengthLow, "abcdefghijklmnopqrstuvwxyz": StrengthLow, "": StrengthLow,
	} {
		if got := StrengthOf(p); got != want {
			t.Errorf("%q: %s, want %s", p, got, want)
		}
	}
}

func TestSuggestionsAreFiveWordsAndGood(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		p, err := Suggest()
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(p, "-"); n < suggestedWords-1 || seen[p] || checkPassword(p) != nil { // some words have a dash
			t.Errorf("%q: %d dashes, %v", p, n, checkPassword(p))
		}
		seen[p] = true
	}
}
