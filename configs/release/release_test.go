package release

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func newKey(t *testing.T) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func TestOneKnownKeyIsEnoughAndAnUnknownOneIsNone(t *testing.T) {
	old, oldPrivate := newKey(t)
	next, nextPrivate := newKey(t)
	_, stranger := newKey(t)
	data := []byte("manifest")
	for _, c := range []struct {
		name string
		sig  []byte
		keys []ed25519.PublicKey
		ok   bool
	}{
		{"by the key", Sign(data, oldPrivate), []ed25519.PublicKey{old}, true},
		{"by both, the old one is known", Sign(data, nextPrivate, oldPrivate), []ed25519.PublicKey{old}, true},
		{"by both, the next one is known", Sign(data, nextPrivate, oldPrivate), []ed25519.PublicKey{next}, true},
		{"by the next one, both are known", Sign(data, nextPrivate), []ed25519.PublicKey{old, next}, true},
		{"by a stranger", Sign(data, stranger), []ed25519.PublicKey{old, next}, false},
		{"no key", Sign(data, oldPrivate), nil, false},
		{"no signature", nil, []ed25519.PublicKey{old}, false},
		{"half a signature", Sign(data, oldPrivate)[:32], []ed25519.PublicKey{old}, false},
		{"of other data", Sign([]byte("other"), oldPrivate), []ed25519.PublicKey{old}, false},
		{"too many", bytes.Repeat(Sign(data, oldPrivate), 9), []ed25519.PublicKey{old}, false},
	} {
		err := Verify(data, c.sig, c.keys)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestKeysAreReadAsTheyAreWritten(t *testing.T) {
	a, _ := newKey(t)
	b, _ := newKey(t)
	keys, err := ParseKeys(FormatKey(a) + ", " + FormatKey(b) + ",")
	if err != nil || len(keys) != 2 || !keys[0].Equal(a) || !keys[1].Equal(b) {
		t.Errorf("%v, %v", keys, err)
	}
	if keys, err := ParseKeys(""); err != nil || len(keys) != 0 {
		t.Errorf("%v, %v", keys, err)
	}
	for _, bad := range []string{"x", FormatKey(a)[:20]} {
		if _, err := ParseKeys(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestEveryFieldOfAManifestIsJudged(t *testing.T) {
	file := func(name, platform, size, sum string) string {
		return fmt.Sprintf(`{"name":%q,"platform":%q,"size":%s,"sha256":%q}`, name, platform, size, sum)
	}
	sum := strings.Repeat("ab", 32)
	good := file("homeward-linux-amd64", "linux-amd64", "5", sum)
	manifest := func(version, expires, files string) string {
		return fmt.Sprintf(`{"version":%q,"expires":%q,"files":[%s]}`, version, expires, files)
	}
	when := "2030-01-01T00:00:00Z"
	if m, err := Parse([]byte(manifest("1.2.3", when, good))); err != nil {
		t.Fatal(err)
	} else if _, ok := m.For("linux-amd64"); !ok {
		t.Error("the file is not found")
	} else if _, ok := m.For("linux-mips"); ok {
		t.Error("a file for another platform is found")
	}
	for name, text := range map[string]string{
		"no version":      manifest("", when, good),
		"odd version":     manifest("1.2.3\n", when, good),
		"no end":          `{"version":"1.2.3","files":[` + good + `]}`,
		"no files":        manifest("1.2.3", when, ""),
		"path as name":    manifest("1.2.3", when, file("../homeward-x", "linux-amd64", "5", sum)),
		"address as name": manifest("1.2.3", when, file("http://x/homeward-x", "linux-amd64", "5", sum)),
		"no size":         manifest("1.2.3", when, file("homeward-x", "linux-amd64", "0", sum)),
		"huge":            manifest("1.2.3", when, file("homeward-x", "linux-amd64", "999999999", sum)),
		"short sum":       manifest("1.2.3", when, file("homeward-x", "linux-amd64", "5", "abcd")),
		"odd sum":         manifest("1.2.3", when, file("homeward-x", "linux-amd64", "5", strings.Repeat("zz", 32))),
		"twice":           manifest("1.2.3", when, good+","+good),
		"unknown member":  `{"hook":"reboot",` + manifest("1.2.3", when, good)[1:],
		"odd safe one":    `{"unsafe_before":"soon",` + manifest("1.2.3", when, good)[1:],
		"safe one later":  `{"unsafe_before":"1.2.4",` + manifest("1.2.3", when, good)[1:],
		"not JSON":        "version 1.2.3",
		"too large":       manifest("1.2.3", when, good) + strings.Repeat(" ", MaxManifest),
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestAHoleIsUrgentForThoseWhoHaveIt(t *testing.T) {
	for installed, urgent := range map[string]bool{"1.1.9": true, "1.2.0-dev": true, "1.2.0": false, "1.2.1": false} {
		if got := (Manifest{Version: "1.3.0", UnsafeBefore: "1.2.0"}).Urgent(installed); got != urgent {
			t.Errorf("%s: urgent %v, want %v", installed, got, urgent)
		}
		if (Manifest{Version: "1.3.0"}).Urgent(installed) {
			t.Errorf("%s: urgent without a hole", installed)
		}
	}
}

func TestOnlyAHigherVersionIsNewer(t *testing.T) {
	for _, c := range []struct {
		version, installed string
		newer              bool
	}{
		{"1.2.3", "1.2.2", true}, {"1.10.0", "1.9.9", true}, {"1.0.0", "1.0.0-rc.1", true},
		{"1.2.3", "1.2.3", false}, {"1.2.2", "1.2.3", false}, {"1.0.0-rc.1", "1.0.0", false}, {"1.0.0+b", "1.0.0+a", false},
	} {
		if got := Newer(c.version, c.installed); got != c.newer {
			t.Errorf("%s newer than %s: %v", c.version, c.installed, got)
		}
	}
}

func TestPlatformsAreNamedLikeTheFiles(t *testing.T) {
	if got := PlatformOf("linux", "arm", "6,softfloat"); got != "linux-armv6" {
		t.Error(got)
	}
	if got := PlatformOf("windows", "amd64", ""); got != "windows-amd64" {
		t.Error(got)
	}
	if got := Platform(); !strings.Contains(got, "-") {
		t.Error(got)
	}
}
