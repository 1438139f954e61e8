package backup

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"homeward/configs/secret"
	"homeward/configs/state"
)

const phrase = "four words that go nowhere"

var quiet = slog.New(slog.DiscardHandler)

func anything(context.Context, Manifest, *state.State) error { return nil }

// box is an open state directory with something in everything.
func box(t *testing.T) (*state.State, state.Identity) {
	t.Helper()
	st, err := state.Open(t.Context(), filepath.Join(t.TempDir(), "state"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	id, err := st.EnsureIdentity(t.Context(), func() (state.Plan, error) { return state.ChooseAddressPlan(nil, rand.Reader) })
	err = errors.Join(err, st.Keep(t.Context(), "secret", []byte("the token")), st.WriteFile(state.PageCertFile, []byte("cert")), st.WriteFile(state.PageKeyFile, []byte("key")))
	if err != nil {
		t.Fatal(err)
	}
	return st, id
}

// forPhrase seals with little work: it is not the strength that is tested.
func forPhrase(t *testing.T) Recipient {
	t.Helper()
	r, err := age.NewScryptRecipient(phrase)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(4)
	return Recipient{r}
}

// sealed is a backup of st.
func sealed(t *testing.T, st *state.State, to Recipient) []byte {
	t.Helper()
	c, err := Gather(t.Context(), st, "1.2.3", time.Unix(1_800_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var b bytes.Buffer
	if err := c.Seal(to, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// restore restores into a new directory and returns it.
func restore(t *testing.T, file []byte, key string) (dir string, m Manifest, err error) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "restored")
	staging, err := state.Stage(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Restore(t.Context(), staging, bytes.NewReader(file), secret.NewText(key), anything, quiet)
	if err != nil {
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 1 { // the lock
			t.Errorf("refused, and %q is left", left)
		}
		return dir, Manifest{}, err
	}
	_, err = r.Commit()
	return dir, r.Manifest, errors.Join(err, r.Close())
}

func TestARestoredBackupIsTheSameAppliance(t *testing.T) {
	st, id := box(t)
	code, public, err := NewRecoveryCode()
	if err != nil {
		t.Fatal(err)
	}
	forCode, err := ForRecoveryCode(public)
	if err != nil {
		t.Fatal(err)
	}
	onPaper := strings.ToLower(code.Reveal()[:20]) + "\n " + code.Reveal()[20:] + "\n"
	for name, c := range map[string]struct {
		to  Recipient
		key string
	}{"passphrase": {forPhrase(t), phrase}, "recovery code": {forCode, code.Reveal()}, "recovery code on paper": {forCode, onPaper}} {
		t.Run(name, func(t *testing.T) {
			file := sealed(t, st, c.to)
			if bytes.Contains(file, []byte("SQLite")) || bytes.Contains(file, []byte("database")) {
				t.Error("the file can be read without its key")
			}
			dir, m, err := restore(t, file, c.key)
			if err != nil {
				t.Fatal(err)
			}
			if m.Homeward != "1.2.3" || m.Made.Unix() != 1_800_000_000 || len(m.Entries) != len(kinds) {
				t.Errorf("manifest %+v", m)
			}
			got, err := state.Open(t.Context(), dir, quiet)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Close()
			back, err := got.EnsureIdentity(t.Context(), func() (state.Plan, error) { return state.Plan{}, errors.New("there is none") })
			if err != nil || back.PrivateKey.Reveal() != id.PrivateKey.Reveal() || back.ListenPort != id.ListenPort || back.Plan != id.Plan || back.Instance != id.Instance {
				t.Errorf("the identity is another one (%v)", err)
			}
			token, _, err := got.Kept(t.Context(), "secret")
			cert, _, err2 := got.ReadFile(state.PageCertFile)
			key, _, err3 := got.ReadFile(state.PageKeyFile)
			if string(token) != "the token" || string(cert) != "cert" || string(key) != "key" {
				t.Errorf("%q %q %q (%v)", token, cert, key, errors.Join(err, err2, err3))
			}
		})
	}
}

// archive is what is sealed, by hand.
func archive(m any, entries ...[]byte) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // of the test's own making
	}
	return append(head(b), bytes.Join(entries, nil)...)
}

func entry(name string, content []byte) Entry {
	h := sha256.Sum256(content)
	return Entry{name, int64(len(content)), sum(h[:])}
}

func seal(t *testing.T, plain []byte, to ...age.Recipient) []byte {
	t.Helper()
	if to == nil {
		to = []age.Recipient{forPhrase(t).to}
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileArchivesAreRefused(t *testing.T) {
	st, _ := box(t)
	good := sealed(t, st, forPhrase(t))
	if _, _, err := restore(t, good, phrase); err != nil { // the control
		t.Fatal(err)
	}
	c, err := Gather(t.Context(), st, "v", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.database.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	db, err := io.ReadAll(c.database)
	if err != nil {
		t.Fatal(err)
	}
	one := func(e ...Entry) Manifest { return Manifest{Format: 1, Entries: e} }
	d := entry(entryDatabase, db)
	sized := func(e Entry, size int64) Entry { e.Size = size; return e }
	damaged := func(at int) []byte { b := bytes.Clone(good); b[at] ^= 1; return b }
	salted := bytes.Clone(good)
	salted[40] = map[bool]byte{true: 'B', false: 'A'}[good[40] == 'A'] // of the salt, and base64 still
	costly := bytes.Replace(good, []byte(" 4\n"), []byte(" 25\n"), 1)
	a, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	trigger := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(trigger, db, 0o600); err != nil {
		t.Fatal(err)
	}
	x, err := sql.Open("sqlite", trigger)
	if err == nil {
		_, err = x.Exec("CREATE TRIGGER t AFTER INSERT ON peers BEGIN DELETE FROM admins; END")
	}
	if err = errors.Join(err, x.Close()); err != nil {
		t.Fatal(err)
	}
	withTrigger, err := os.ReadFile(trigger)
	if err != nil {
		t.Fatal(err)
	}
	other := []byte("x")
	for name, c := range map[string]struct {
		file  []byte
		key   string
		field string
		says  string
	}{
		"empty":                        {nil, phrase, "file", "not a backup"},
		"something else":               {[]byte("PK\x03\x04 a zip"), phrase, "file", "not a backup"},
		"header without an end":        {append([]byte("age-encryption.org/v1\n"), bytes.Repeat([]byte("-> x y\n"), 100_000)...), phrase, "file", "beginning is not whole"},
		"header in one endless line":   {append([]byte("age-encryption.org/v1\n-> "), bytes.Repeat([]byte("x"), 1<<20)...), phrase, "file", "beginning is not whole"},
		"wrong passphrase":             {good, phrase + "!", "key", "not the passphrase"},
		"no passphrase":                {good, "", "key", "missing"},
		"endless passphrase":           {good, strings.Repeat("x", 1<<20), "key", "too long"},
		"a recovery code instead":      {good, a.String(), "key", "sealed with a passphrase"},
		"a mistyped recovery code":     {good, a.String()[:40] + "x", "key", "mistyped"},
		"a passphrase instead":         {seal(t, nil, a.Recipient()), phrase, "key", "recovery code"},
		"another recovery code":        {seal(t, nil, a.Recipient()), mustIdentity(t).String(), "key", "not the recovery code of this backup"},
		"sealed for two":               {seal(t, nil, a.Recipient(), mustIdentity(t).Recipient()), a.String(), "file", "2 keys"},
		"work factor":                  {costly, phrase, "file", "work factor"},
		"header changed":               {salted, phrase, "key", "not the passphrase"},
		"payload changed":              {damaged(len(good) / 2), phrase, "file", "cut off or changed"},
		"last byte changed":            {damaged(len(good) - 1), phrase, "file", "cut off or changed"},
		"cut off in the header":        {good[:80], phrase, "file", "beginning is not whole"},
		"cut off after the header":     {good[:bytes.Index(good, []byte("\n--- "))+50], phrase, "file", "cut off"},
		"cut off in the middle":        {good[:len(good)/2], phrase, "file", "cut off"},
		"cut off at a chunk":           {good[:bytes.Index(good, []byte("\n--- "))+49+16+(64<<10)+16], phrase, "file", "cut off"},
		"without its last byte":        {good[:len(good)-1], phrase, "file", "cut off"},
		"something behind":             {append(bytes.Clone(good), 'x'), phrase, "file", "cut off or changed"},
		"nothing inside":               {seal(t, nil), phrase, "file", "cut off"},
		"another archive inside":       {seal(t, []byte("ustar, and more than a few bytes of it")), phrase, "file", "not a backup"},
		"a newer format's line":        {seal(t, []byte("homeward backup 2\n\x00\x00\x00\x00")), phrase, "file", "newer homeward"},
		"an endless manifest":          {seal(t, append([]byte(magic), 0xff, 0xff, 0xff, 0xff)), phrase, "file", "manifest has"},
		"no manifest":                  {seal(t, head([]byte("nothing"))), phrase, "file", "cannot be read"},
		"another format":               {seal(t, archive(Manifest{Format: 2})), phrase, "file", "format 2"},
		"no entries":                   {seal(t, archive(one())), phrase, "file", "no database"},
		"no database":                  {seal(t, archive(one(entry(entryCert, other)), other)), phrase, "file", "no database"},
		"a path":                       {seal(t, archive(one(d, entry("../../etc/passwd", other)), db, other)), phrase, "file", "none of homeward's"},
		"a file's name":                {seal(t, archive(one(d, entry("homeward.db", other)), db, other)), phrase, "file", "none of homeward's"},
		"the database twice":           {seal(t, archive(one(d, d), db, db)), phrase, "file", "there twice"},
		"out of order":                 {seal(t, archive(one(d, entry(entryCertKey, other), entry(entryCert, other)), db, other, other)), phrase, "file", "out of order"},
		"a huge database":              {seal(t, archive(one(sized(d, 1<<40)), db)), phrase, "file", "are the limit"},
		"a negative size":              {seal(t, archive(one(sized(d, -1)), db)), phrase, "file", "are the limit"},
		"a huge key":                   {seal(t, archive(one(d, sized(entry(entryVaultKey, other), 2<<10)), db)), phrase, "file", "are the limit"},
		"more in the manifest":         {seal(t, archive(one(sized(d, d.Size+1)), db)), phrase, "file", "not what the manifest says"},
		"less in the manifest":         {seal(t, archive(one(sized(d, d.Size-1)), db)), phrase, "file", "not what the manifest says"},
		"something after the last one": {seal(t, archive(one(d), db, other)), phrase, "file", "after its last entry"},
		"another sum":                  {seal(t, archive(one(Entry{entryDatabase, d.Size, strings.Repeat("0", 64)}), db)), phrase, "file", "not what the manifest says"},
		"no sum":                       {seal(t, archive(one(Entry{entryDatabase, d.Size, ""}), db)), phrase, "file", "no SHA-256"},
		"no database in the database":  {seal(t, archive(one(entry(entryDatabase, other)), other)), phrase, "file", "cannot be used"},
		"a trigger in the database":    {seal(t, archive(one(entry(entryDatabase, withTrigger)), withTrigger)), phrase, "file", "trigger t"},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			_, _, err := restore(t, c.file, c.key)
			var r *Refusal
			if !errors.As(err, &r) || r.Field != c.field || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want a refusal of the %s that says %q", err, c.field, c.says)
			}
			if took := time.Since(begun); took > 30*time.Second {
				t.Errorf("it took %v to refuse it", took)
			}
		})
	}
}

func mustIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAWeakPassphraseIsNotTaken(t *testing.T) {
	for p, ok := range map[string]bool{"": false, "elevencharz": false, "twelve chars": true, "zwölf große!": true, strings.Repeat("x", 1025): false} {
		_, err := ForPassphrase(secret.NewText(p))
		if (err == nil) != ok {
			t.Errorf("%.20q: %v", p, err)
		}
		if err != nil && len(p) > 0 && strings.Contains(err.Error(), p) {
			t.Error("the error tells the passphrase")
		}
	}
	if _, err := ForRecoveryCode("age1nonsense"); err == nil {
		t.Error("nonsense is a recovery code")
	}
}

// TestOurOwnPassphrasesAreAccepted holds the two work factors together.
func TestOurOwnPassphrasesAreAccepted(t *testing.T) {
	st, _ := box(t)
	to, err := ForPassphrase(secret.NewText(phrase))
	if err != nil {
		t.Fatal(err)
	}
	file := sealed(t, st, to)
	if !bytes.Contains(file[:200], fmt.Appendf(nil, " %d\n", workFactor)) {
		t.Errorf("the header is %.200q", file)
	}
	if _, _, err := restore(t, file, phrase); err != nil {
		t.Error(err)
	}
}

func TestADiskThatFailsIsNotTheFilesFault(t *testing.T) {
	st, _ := box(t)
	a, err := Open(bytes.NewReader(sealed(t, st, forPhrase(t))), secret.NewText(phrase))
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	err = a.Extract(func(string, io.Reader) error { return full })
	var r *Refusal
	if !errors.Is(err, full) || errors.As(err, &r) {
		t.Errorf("%v", err)
	}
}

func FuzzOpen(f *testing.F) {
	// Header lines of age, right and nearly so.
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 4\nAAAA\n--- AAAA\nrest"))
	f.Add([]byte("age-encryption.org/v1\n-> X25519 AAAA\nAAAA\n--- AAAA\n"))
	f.Add([]byte("age-encryption.org/v1\n--- \n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Open(bytes.NewReader(b), secret.NewText("no passphrase of any file")); err == nil {
			t.Error("it was opened")
		}
	})
}
