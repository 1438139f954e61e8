package account

import (
	"errors"
	"testing"
)

func TestEachUserHasAPasswordOfTheirOwn(t *testing.T) {
	a, _, _ := claimed(t)
	if err := a.AddUser(t.Context(), NewUser{"anna", RoleViewer, "annas own password"}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, password string
		want           error
	}{
		{"anna", "annas own password", nil}, {"admin", good, nil}, {"", good, nil},
		{"anna", good, ErrWrong}, {"admin", "annas own password", ErrWrong}, {"nobody", good, ErrWrong}, {"", "annas own password", ErrWrong},
	} {
		if _, err := a.Login(t.Context(), here, tt.name, tt.password); !errors.Is(err, tt.want) {
			t.Errorf("%q with %q: %v, want %v", tt.name, tt.password, err, tt.want)
		}
	}
	for _, n := range []NewUser{{"anna", RoleAdmin, "another password"}, {"Ben", RoleAdmin, good}, {"", RoleAdmin, good}, {"a\nb", RoleAdmin, good}, {"ben", "owner", good}, {"ben", RoleAdmin, "short"}} {
		if err := a.AddUser(t.Context(), n); err == nil {
			t.Errorf("%+v was added", n)
		}
	}
	if list, err := a.Users(t.Context()); err != nil || len(list) != 2 || list[1].Name != "anna" || list[1].Role != RoleViewer {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestTheLastAdminStays(t *testing.T) {
	a, _, _ := claimed(t)
	if err := a.AddUser(t.Context(), NewUser{"anna", RoleViewer, "annas own password"}); err != nil {
		t.Fatal(err)
	}
	viewer, admin := RoleViewer, RoleAdmin
	if err := a.RemoveUser(t.Context(), "admin"); !errors.Is(err, ErrLastAdmin) {
		t.Errorf("removing: %v", err)
	}
	if err := a.ChangeUser(t.Context(), "admin", UserChange{Role: &viewer}); !errors.Is(err, ErrLastAdmin) {
		t.Errorf("making a viewer: %v", err)
	}
	if _, err := a.Login(t.Context(), here, "admin", good); err != nil {
		t.Fatalf("a refused change did something: %v", err)
	}
	if err := a.ChangeUser(t.Context(), "anna", UserChange{Role: &admin}); err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveUser(t.Context(), "admin"); err != nil {
		t.Errorf("with another admin: %v", err)
	}
	if err := a.SetPassword(t.Context(), "from the box itself"); err != nil { // the first admin that is left
		t.Fatal(err)
	}
	if _, err := a.Login(t.Context(), here, "anna", "from the box itself"); err != nil {
		t.Errorf("the one who is left, by the box's password: %v", err)
	}
	if err := a.RemoveUser(t.Context(), "admin"); !errors.Is(err, ErrNoUser) {
		t.Errorf("again: %v", err)
	}
}

func TestASessionFollowsItsUser(t *testing.T) {
	a, _, _ := claimed(t)
	login := func(name, password string) Admin {
		who, err := a.Login(t.Context(), here, name, password)
		if err != nil {
			t.Fatal(err)
		}
		return who
	}
	valid := func(who Admin) (User, bool) {
		u, ok, err := a.Valid(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		return u, ok
	}
	if err := a.AddUser(t.Context(), NewUser{"anna", RoleAdmin, "annas own password"}); err != nil {
		t.Fatal(err)
	}
	owner, anna := login("admin", good), login("anna", "annas own password")
	role, name := RoleViewer, "ann"
	if err := a.ChangeUser(t.Context(), "anna", UserChange{Name: &name, Role: &role}); err != nil {
		t.Fatal(err)
	}
	u, ok := valid(anna)
	if !ok || u.Name != "ann" || u.Role != RoleViewer {
		t.Errorf("after the change: %+v, %v", u, ok)
	}
	if taken := "admin"; !errors.Is(a.ChangeUser(t.Context(), "ann", UserChange{Name: &taken}), ErrNameTaken) {
		t.Error("two of one name")
	}
	if _, err := a.ChangePassword(t.Context(), here, u, "not the old one", "a third password"); !errors.Is(err, ErrWrong) {
		t.Errorf("without the old password: %v", err)
	}
	if _, ok := valid(anna); !ok {
		t.Error("a refused change ended the session")
	}
	now, err := a.ChangePassword(t.Context(), here, u, "annas own password", "a third password")
	if err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		who  Admin
		want bool
	}{"the old one": {anna, false}, "the new one": {now, true}, "somebody else's": {owner, true}} {
		if _, ok := valid(tt.who); ok != tt.want {
			t.Errorf("%s: %v", what, ok)
		}
	}
	if err := a.ResetPassword(t.Context(), "ann", "set by the admin"); err != nil {
		t.Fatal(err)
	}
	if _, ok := valid(now); ok {
		t.Error("it outlives a reset")
	}
	again := login("ann", "set by the admin")
	if err := a.RemoveUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if _, ok := valid(again); ok {
		t.Error("it outlives its user")
	}
}
