package listen

import (
	"crypto/tls"
	"strings"
	"testing"
)

func TestFingerprintAsWordsIsTheSameEveryTimeAndNotOfAnotherCertificate(t *testing.T) {
	// SHA-256 of "abc" modulo 7776^6 is, in base 7776, 7018 1773 4452 5033 1144 5293.
	known, err := Words(tls.Certificate{Certificate: [][]byte{[]byte("abc")}})
	if err != nil || known != "unclog diagnoses pancreas quit coeditor reoccur" {
		t.Errorf("words = %q, %v", known, err)
	}
	pair := certificate(t)
	first, err := Words(pair)
	if err != nil || len(strings.Fields(first)) != fingerprintWords {
		t.Errorf("words = %q, %v", first, err)
	}
	if again, _ := Words(pair); again != first {
		t.Errorf("now %q, before %q", again, first)
	}
	if other, _ := Words(certificate(t)); other == first {
		t.Errorf("another certificate has the same words: %q", other)
	}
	if _, err := Words(tls.Certificate{}); err == nil {
		t.Error("no certificate at all has words")
	}
}
