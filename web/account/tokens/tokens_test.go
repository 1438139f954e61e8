package tokens

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"homeward/configs/secret"
	"homeward/configs/state"
	"homeward/peers"
	"homeward/web/account"
)

var here = netip.MustParseAddr("192.168.1.7")

// world is a book with an admin and a viewer.
type world struct {
	*Book
	db     *sql.DB
	dir    string
	log    bytes.Buffer
	ahead  time.Duration
	admin  account.User
	viewer account.User
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	st, err := state.Open(t.Context(), w.dir, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w.db = st.DB()
	if _, err := w.db.Exec(`INSERT INTO admins (id, name, role, password_hash, created_unix) VALUES (1, 'admin', 'admin', '', 0), (2, 'anna', 'viewer', '', 0)`); err != nil {
		t.Fatal(err)
	}
	w.admin, w.viewer = account.User{ID: 1, Name: "admin", Role: account.RoleAdmin}, account.User{ID: 2, Name: "anna", Role: account.RoleViewer}
	began := time.Unix(1_800_000_000, 0)
	if w.Book, err = NewBook(Config{DB: w.db, Now: func() time.Time { return began.Add(w.ahead) }, Logger: log}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) make(t *testing.T, u account.User, n New) (Token, secret.Text) {
	t.Helper()
	made, text, err := w.Create(t.Context(), u, u.Role.Scopes(), n)
	if err != nil {
		t.Fatal(err)
	}
	return made, text
}

var read1 = account.Scopes{account.ScopeRead}

func TestATokenIsTakenAndRemembersItsHour(t *testing.T) {
	w := newWorld(t)
	made, text := w.make(t, w.viewer, New{Name: "home assistant", Scopes: read1})
	if !shape.MatchString(text.Reveal()) || strings.Contains(fmt.Sprintf("%v %+v %s", text, made, text), text.Reveal()) {
		t.Errorf("a token looks like %q, or prints", text.Reveal())
	}
	writes := func() (n int) {
		if err := w.db.QueryRow(`SELECT total_changes()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	w.db.SetMaxOpenConns(1) // whose changes are counted
	before := writes()
	for range 60 {
		w.ahead += time.Minute
		got, owner, err := w.Check(t.Context(), here, text)
		if err != nil || owner != w.viewer.ID || got.Name != "home assistant" || !got.Of(w.viewer) || got.Of(w.admin) {
			t.Fatalf("%+v of %d: %v", got, owner, err)
		}
	}
	if n := writes() - before; n < 1 || n > 2 {
		t.Errorf("sixty uses in an hour were written down %d times", n)
	}
	now, err := w.Get(t.Context(), made.ID)
	if used := w.now().Sub(now.Used); err != nil || used < 0 || used >= time.Hour || now.Used.Unix()%3600 != 0 {
		t.Errorf("it was used %v ago, at %v: %v", used, now.Used, err)
	}
	if _, err := w.Revoke(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Check(t.Context(), here, text); !errors.Is(err, ErrWrong) {
		t.Errorf("a revoked one: %v", err)
	}
	if _, err := w.Revoke(t.Context(), made.ID); !errors.Is(err, ErrNoToken) {
		t.Errorf("revoking it again: %v", err)
	}
}

func TestNothingOfATokenIsStoredOrLogged(t *testing.T) {
	w := newWorld(t)
	_, text := w.make(t, w.admin, New{Name: "script", Scopes: read1})
	for range 12 {
		w.Check(t.Context(), here, secret.NewText(text.Reveal()+"x")) // refused, and slowed down
	}
	random := strings.TrimPrefix(text.Reveal(), Prefix)
	if strings.Contains(w.log.String(), random[:12]) || strings.Count(w.log.String(), "wrong token") != tries {
		t.Errorf("the log is\n%s", w.log.String())
	}
	found := false
	files, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil { // a folder
			continue
		}
		if bytes.Contains(b, []byte(random[:12])) {
			t.Errorf("%s has the token", filepath.Base(f))
		}
		found = found || bytes.Contains(b, []byte("script"))
	}
	if !found {
		t.Error("not even its name was found: the test looks at the wrong files")
	}
}

func TestATokenEndsAtItsTime(t *testing.T) {
	w := newWorld(t)
	made, text := w.make(t, w.admin, New{Name: "for a day", Scopes: read1, Lasts: 24 * time.Hour})
	w.ahead = 24*time.Hour - time.Second
	if _, _, err := w.Check(t.Context(), here, text); err != nil {
		t.Fatal(err)
	}
	w.ahead = 24 * time.Hour
	if _, _, err := w.Check(t.Context(), here, text); !errors.Is(err, ErrWrong) {
		t.Fatalf("after its time: %v", err)
	}
	if all, err := w.All(t.Context()); err != nil || len(all) != 1 || all[0].ID != made.ID {
		t.Errorf("it is not listed any more: %+v, %v", all, err)
	}
	again, _ := w.make(t, w.admin, New{Name: "For a day", Scopes: read1}) // the name is free
	if all, err := w.All(t.Context()); err != nil || len(all) != 1 || all[0].ID != again.ID || again.ID == made.ID {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestWhatATokenMayBe(t *testing.T) {
	w := newWorld(t)
	w.make(t, w.admin, New{Name: "Script", Scopes: read1})
	aboutName := errors.New("about the name")
	for name, tt := range map[string]struct {
		user account.User
		new  New
		want error
	}{
		"no name":                    {w.admin, New{Scopes: read1}, aboutName},
		"a name with a line break":   {w.admin, New{Name: "a\nb", Scopes: read1}, aboutName},
		"a name that turns the text": {w.admin, New{Name: "a\u202eb", Scopes: read1}, aboutName},
		"a name twice":               {w.admin, New{Name: "sCRIPT", Scopes: read1}, ErrNameTaken},
		"another's name":             {w.viewer, New{Name: "Script", Scopes: read1}, nil},
		"no scope":                   {w.admin, New{Name: "x"}, ErrScopes},
		"a scope that there is not":  {w.admin, New{Name: "x", Scopes: account.Scopes{"write"}}, ErrScopes},
		"more than a viewer may":     {w.viewer, New{Name: "x", Scopes: account.Scopes{account.ScopeRead, account.ScopePeers}}, ErrTooMuch},
		"a second":                   {w.admin, New{Name: "x", Scopes: read1, Lasts: time.Second}, ErrLasts},
		"before it began":            {w.admin, New{Name: "x", Scopes: read1, Lasts: -time.Hour}, ErrLasts},
		"a hundred years":            {w.admin, New{Name: "x", Scopes: read1, Lasts: 10 * MaxLasts}, ErrLasts},
		"a user who is gone":         {account.User{ID: 9, Role: account.RoleAdmin}, New{Name: "x", Scopes: read1}, account.ErrNoUser},
		"who is no admin any more":   {account.User{ID: 2, Role: account.RoleAdmin}, New{Name: "x", Scopes: read1}, account.ErrNoUser},
	} {
		_, _, err := w.Create(t.Context(), tt.user, tt.user.Role.Scopes(), tt.new)
		var field *peers.FieldError
		if errors.As(err, &field) && field.Field == "name" {
			err = aboutName
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if _, _, err := w.Create(t.Context(), w.admin, read1, New{Name: "y", Scopes: account.Scopes{account.ScopePorts}}); !errors.Is(err, ErrTooMuch) {
		t.Errorf("a token that may more than the one that makes it: %v", err)
	}
}

func TestScopesAreNamedOnce(t *testing.T) {
	for _, tt := range []struct{ is, want account.Scopes }{
		{account.Scopes{account.ScopePorts, account.ScopePeers, account.ScopePorts}, account.Scopes{account.ScopeRead, account.ScopePeers, account.ScopePorts}},
		{account.Scopes{account.ScopeMetrics}, account.Scopes{account.ScopeMetrics}},
		{account.Scopes{account.ScopePeers, account.ScopeMetrics}, account.Scopes{account.ScopeMetrics, account.ScopeRead, account.ScopePeers}},
		{account.Scopes{account.ScopeRead, account.ScopeAdmin}, account.Scopes{account.ScopeAdmin}},
		{read1, read1},
	} {
		if got := tidy(tt.is); !slices.Equal(got, tt.want) {
			t.Errorf("%v became %v, want %v", tt.is, got, tt.want)
		}
	}
}

func TestAUserHasFiftyTokens(t *testing.T) {
	w := newWorld(t)
	for i := range MaxOfUser {
		w.make(t, w.admin, New{Name: fmt.Sprint("script ", i), Scopes: read1})
	}
	if _, _, err := w.Create(t.Context(), w.admin, w.admin.Role.Scopes(), New{Name: "one more", Scopes: read1}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	w.make(t, w.viewer, New{Name: "somebody else's", Scopes: read1})
}
