package identity

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cloudlet/cloudlet/server/cloud"
	"github.com/cloudlet/cloudlet/statestore"
	"github.com/cloudlet/cloudlet/statestore/storetest"
)

// manual is a clock that a test sets.
type manual struct{ now time.Time }

func (m *manual) Now() time.Time                         { return m.now }
func (m *manual) After(d time.Duration) <-chan time.Time { return make(chan time.Time) }

type world struct {
	*testing.T
	store *statestore.Store
	clock *manual
	auth  Authority
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := &manual{time.Now().UTC()}
	w := newWorldAt(t, clock)
	w.clock = clock
	return w
}

func newWorldAt(t *testing.T, clock cloud.Clock) *world {
	t.Helper()
	hash, err := PasswordHash(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	store := storetest.OpenStore(t, storetest.NewDisk().MustOpen(t), statestore.Options{Tables: Tables, Now: clock.Now})
	w := &world{t, store, &manual{}, Authority{Clock: clock}}
	w.write(func(tx *statestore.Txn) error {
		return Seed(tx, Seeding{Region: "RegionOne", Key: NewKey(), PasswordHash: hash, Demo: true})
	})
	return w
}

func (w *world) write(fn func(tx *statestore.Txn) error) {
	w.Helper()
	w.clock.now = w.clock.now.Add(time.Second)
	if err := w.store.Write(w.Context(), fn); err != nil {
		w.Fatal(err)
	}
	w.clock.now = w.clock.now.Add(time.Second)
}

func (w *world) login(user, project string) string {
	w.Helper()
	token, _, err := w.auth.Issue(w.Context(), w.store.Snapshot(),
		Credentials{UserRef: UserRef{UserName: user, UserDomainID: DefaultDomain}, Password: "secret", Methods: []string{"password"}},
		ScopeRef{Kind: ProjectScope, Name: project, DomainID: DefaultDomain})
	if err != nil {
		w.Fatalf("login of %s in %s: %v", user, project, err)
	}
	return token
}

func (w *world) user(name string) User {
	u, ok := Users.First(w.store.Snapshot(), "name", folded(DefaultDomain, name))
	if !ok {
		w.Fatalf("no user %s", name)
	}
	return u
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	c, err := w.auth.Authenticate(w.store.Snapshot(), w.login("admin", "admin"))
	if err != nil || c.UserName != "admin" || c.ProjectName != "admin" || !c.HasRole("admin") || !c.HasRole("reader") {
		t.Fatalf("caller %+v, %v", c, err)
	}
	good := Credentials{UserRef: UserRef{UserName: "demo", UserDomainID: DefaultDomain}, Password: "secret", Methods: []string{"password"}}
	for name, change := range map[string]func(*Credentials, *ScopeRef){
		"wrong password": func(c *Credentials, _ *ScopeRef) { c.Password = "other" },
		"no password":    func(c *Credentials, _ *ScopeRef) { c.Password = "" },
		"unknown user":   func(c *Credentials, _ *ScopeRef) { c.UserName = "nobody" },
		"unknown domain": func(c *Credentials, _ *ScopeRef) { c.UserDomainName = "nowhere" },
		"foreign project": func(_ *Credentials, s *ScopeRef) {
			*s = ScopeRef{Kind: ProjectScope, Name: "admin", DomainID: DefaultDomain}
		},
		"unknown project":     func(_ *Credentials, s *ScopeRef) { *s = ScopeRef{Kind: ProjectScope, ID: "x"} },
		"system without role": func(_ *Credentials, s *ScopeRef) { *s = ScopeRef{Kind: SystemScope} },
	} {
		c, s := good, ScopeRef{}
		change(&c, &s)
		_, _, err := w.auth.Issue(t.Context(), w.store.Snapshot(), c, s)
		if !cloud.Is(err, cloud.Unauthenticated) || cloud.AsError(err).Msg != errToken().Msg {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatVoidsAToken(t *testing.T) {
	for name, change := range map[string]func(w *world, token string){
		"an hour": func(w *world, _ string) { w.clock.now = w.clock.now.Add(DefaultTokenLife) },
		"revoking it": func(w *world, token string) {
			w.write(func(tx *statestore.Txn) error { t, _ := open(tx, token); TokenRevoke(tx, t); return nil })
		},
		"disabling the user": func(w *world, _ string) { u := w.user("demo"); u.Enabled = false; w.putUser(u) },
		"a new password":     func(w *world, _ string) { u := w.user("demo"); u.PasswordHash += "x"; w.putUser(u) },
		"deleting the user": func(w *world, _ string) {
			w.write(func(tx *statestore.Txn) error { return UserDelete(tx, w.user("demo").ID) })
		},
		"losing the role": func(w *world, _ string) {
			w.write(func(tx *statestore.Txn) error { drop(tx, "actor", w.user("demo").ID); return nil })
		},
		"disabling the project": func(w *world, _ string) {
			w.write(func(tx *statestore.Txn) error {
				p, _ := Projects.First(tx, "name", folded(DefaultDomain, "demo"))
				p.Enabled = false
				_, err := ProjectPut(tx, p)
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			token, bystander := w.login("demo", "demo"), w.login("admin", "admin")
			if _, err := w.auth.Validate(w.store.Snapshot(), token); err != nil {
				t.Fatalf("before: %v", err)
			}
			change(w, token)
			if _, err := w.auth.Validate(w.store.Snapshot(), token); !cloud.Is(err, cloud.Unauthenticated) {
				t.Errorf("still valid after %s: %v", name, err)
			}
			if _, err := w.auth.Validate(w.store.Snapshot(), bystander); err != nil && name != "an hour" {
				t.Errorf("somebody else's token too: %v", err)
			}
		})
	}
}

func (w *world) putUser(u User) {
	w.Helper()
	w.write(func(tx *statestore.Txn) error { _, err := UserPut(tx, u); return err })
}

// A rotation ends no token; keys go when no token of theirs can be valid.
func TestRotation(t *testing.T) {
	w := newWorld(t)
	rotate := func() {
		w.write(func(tx *statestore.Txn) error { return KeyRotate(tx, NewKey(), w.auth.keep()) })
	}
	token := w.login("demo", "demo")
	for range 5 {
		rotate()
	}
	if _, err := w.auth.Validate(w.store.Snapshot(), token); err != nil {
		t.Errorf("after rotations: %v", err)
	}
	newest := w.login("demo", "demo")
	w.clock.now = w.clock.now.Add(DefaultTokenLife + ExpiredWindow)
	rotate()
	if n := Keys.Len(w.store.Snapshot()); n != 2 {
		t.Errorf("%d keys are kept, want the last two", n)
	}
	if _, ok := open(w.store.Snapshot(), newest); !ok {
		t.Error("the key that was replaced just now is gone")
	}
}

func TestRescopeLivesNoLonger(t *testing.T) {
	w := newWorld(t)
	first := w.login("admin", "admin")
	old, _ := open(w.store.Snapshot(), first)
	w.clock.now = w.clock.now.Add(10 * time.Minute)
	second, fresh, err := w.auth.Issue(t.Context(), w.store.Snapshot(), Credentials{Token: first, Methods: []string{"token"}}, ScopeRef{Kind: SystemScope})
	if err != nil || !fresh.ExpiresAt.Equal(old.ExpiresAt) || fresh.Scope.Kind != SystemScope {
		t.Fatalf("%+v, %v", fresh, err)
	}
	w.write(func(tx *statestore.Txn) error { TokenRevoke(tx, old); return nil })
	if _, err := w.auth.Validate(w.store.Snapshot(), first); err == nil {
		t.Error("a token outlives its revocation")
	}
	if _, err := w.auth.Validate(w.store.Snapshot(), second); err != nil {
		t.Errorf("a token ends with the one that it was made from: %v", err)
	}
}

func TestTokensCannotBeMadeUp(t *testing.T) {
	w := newWorld(t)
	good := w.login("demo", "demo")
	rapid.Check(t, func(r *rapid.T) {
		b := []byte(good)
		at := rapid.IntRange(0, len(b)-1).Draw(r, "at")
		b[at] ^= byte(rapid.IntRange(1, 255).Draw(r, "xor"))
		if tok, ok := open(w.store.Snapshot(), string(b)); ok {
			r.Fatalf("a changed token opens: %+v", tok)
		}
		if _, ok := open(w.store.Snapshot(), good[:at]); ok {
			r.Fatal("a cut token opens")
		}
	})
}

func TestInheritedRoles(t *testing.T) {
	w := newWorld(t)
	u := w.user("demo")
	w.write(func(tx *statestore.Txn) error {
		role, _ := Roles.First(tx, "name", folded("", "manager"))
		return AssignmentPut(tx, Assignment{RoleID: role.ID, UserID: u.ID, Scope: Scope{DomainScope, DefaultDomain}, Inherited: true})
	})
	r := w.store.Snapshot()
	service, _ := Projects.First(r, "name", folded(DefaultDomain, "service"))
	if n := len(RolesIn(r, u.ID, Scope{ProjectScope, service.ID})); n != 3 {
		t.Errorf("%d roles in a project of the domain, want manager, member, reader", n)
	}
	if n := len(RolesIn(r, u.ID, Scope{DomainScope, DefaultDomain})); n != 0 {
		t.Errorf("%d roles in the domain itself, want none", n)
	}
}

func TestPasswordIsReplacedOnlyIfProven(t *testing.T) {
	w := newWorld(t)
	u := w.user("demo")
	for name, secret := range map[string]string{u.ID: "wrong", "nobody": "secret"} {
		if _, err := w.auth.PasswordProve(t.Context(), w.store.Snapshot(), name, secret); !cloud.Is(err, cloud.Unauthenticated) {
			t.Errorf("%s with %s: %v", name, secret, err)
		}
	}
	proven, err := w.auth.PasswordProve(t.Context(), w.store.Snapshot(), u.ID, "secret")
	if err != nil {
		t.Fatal(err)
	}
	w.write(func(tx *statestore.Txn) error { return w.auth.PasswordReplace(tx, proven, "first") })
	replace := func() error {
		return w.store.Write(t.Context(), func(tx *statestore.Txn) error { return w.auth.PasswordReplace(tx, proven, "second") })
	}
	if err := replace(); !cloud.Is(err, cloud.Unauthenticated) || w.user("demo").PasswordHash != "first" {
		t.Errorf("replaced with a proof of the password before: %v", err)
	}
	u.Enabled = false
	w.putUser(u) // with the hash that was proven
	if err := replace(); !cloud.Is(err, cloud.Unauthenticated) {
		t.Errorf("replaced for a disabled user: %v", err)
	}
	if _, err := w.auth.PasswordProve(t.Context(), w.store.Snapshot(), u.ID, "secret"); !cloud.Is(err, cloud.Unauthenticated) {
		t.Errorf("proven for a disabled user: %v", err)
	}
}

func TestDomainDeleteLeavesNothing(t *testing.T) {
	w := newWorld(t)
	count := func() [6]int {
		r := w.store.Snapshot()
		return [6]int{Projects.Len(r), Users.Len(r), Roles.Len(r), Assignments.Len(r), Groups.Len(r), Memberships.Len(r)}
	}
	before := count()
	var d Domain
	w.write(func(tx *statestore.Txn) (err error) {
		if d, err = DomainPut(tx, Domain{Name: "branch", Enabled: true}); err != nil {
			return err
		}
		p, err := ProjectPut(tx, Project{Name: "p", DomainID: d.ID, Enabled: true})
		if err != nil {
			return err
		}
		u, err := UserPut(tx, User{Name: "u", DomainID: d.ID, Enabled: true})
		if err != nil {
			return err
		}
		role, err := RolePut(tx, Role{Name: "r", DomainID: d.ID})
		if err != nil {
			return err
		}
		admin, _ := Users.First(tx, "name", folded(DefaultDomain, "admin"))
		g, err := GroupPut(tx, Group{Name: "g", DomainID: d.ID})
		if err != nil {
			return err
		}
		if err := GroupJoin(tx, Membership{g.ID, admin.ID}); err != nil {
			return err
		}
		for _, a := range []Assignment{
			{RoleID: role.ID, GroupID: g.ID, Scope: Scope{ProjectScope, d.ID}},
			{RoleID: role.ID, UserID: u.ID, Scope: Scope{ProjectScope, p.ID}},
			{RoleID: role.ID, UserID: admin.ID, Scope: Scope{ProjectScope, p.ID}},
			{RoleID: role.ID, UserID: admin.ID, Scope: Scope{DomainScope, d.ID}, Inherited: true},
		} {
			if err := AssignmentPut(tx, a); err != nil {
				return err
			}
		}
		return nil
	})
	if count() == before {
		t.Fatal("nothing was made")
	}
	w.write(func(tx *statestore.Txn) error {
		d.Enabled = false
		if _, err := DomainPut(tx, d); err != nil {
			return err
		}
		return DomainDelete(tx, d.ID)
	})
	if after := count(); after != before {
		t.Errorf("projects, users, roles, assignments, groups, memberships: %v, before %v", after, before)
	}
}

// A domain names its roles as it likes: the name must not count.
func TestRolesOfADomain(t *testing.T) {
	w := newWorld(t)
	u := w.user("demo")
	service, _ := Projects.First(w.store.Snapshot(), "name", folded(DefaultDomain, "service"))
	give := func(tx *statestore.Txn, name, domain string, s Scope, implies string) error {
		role, err := RolePut(tx, Role{Name: name, DomainID: domain})
		if err != nil {
			return err
		}
		reader, _ := Roles.First(tx, "name", folded("", implies))
		if err := RoleImply(tx, role.ID, reader.ID, true); err != nil {
			return err
		}
		return AssignmentPut(tx, Assignment{RoleID: role.ID, UserID: u.ID, Scope: s})
	}
	in := Scope{ProjectScope, service.ID}
	w.write(func(tx *statestore.Txn) error { return give(tx, "admin", DefaultDomain, in, "reader") })
	if roles := RolesIn(w.store.Snapshot(), u.ID, in); len(roles) != 1 || roles[0].Name != "reader" {
		t.Errorf("roles %+v, want reader alone", roles)
	}
	for _, e := range Effects(w.store.Snapshot()) {
		if role, _ := RoleGet(w.store.Snapshot(), e.RoleID); role.DomainID != "" {
			t.Errorf("a role of a domain is effective: %+v", e)
		}
	}
	err := w.store.Write(t.Context(), func(tx *statestore.Txn) error {
		d, err := DomainPut(tx, Domain{Name: "other", Enabled: true})
		if err != nil {
			return err
		}
		return give(tx, "admin", d.ID, in, "reader")
	})
	if !cloud.Is(err, cloud.Forbidden) {
		t.Errorf("a role of another domain: %v", err)
	}
}

// What Effects tells must be what tokens get.
func TestEffectsAreWhatTokensGet(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(r *rapid.T) {
		fork := w.store.Fork()
		defer fork.Close()
		var users, roles []string
		scopes := []Scope{System, {DomainScope, DefaultDomain}}
		err := fork.Write(t.Context(), func(tx *statestore.Txn) error {
			for u := range Users.All(tx) {
				users = append(users, u.ID)
			}
			for role := range Roles.All(tx) {
				roles = append(roles, role.ID)
			}
			parent := DefaultDomain
			for n := range rapid.IntRange(0, 4).Draw(r, "projects") {
				p, err := ProjectPut(tx, Project{Name: string(rune('a' + n)), DomainID: DefaultDomain, ParentID: parent, Enabled: true})
				if err != nil {
					return err
				}
				if rapid.Bool().Draw(r, "deeper") {
					parent = p.ID
				}
			}
			for p := range Projects.All(tx) {
				scopes = append(scopes, Scope{ProjectScope, p.ID})
			}
			scopes = append(scopes, Scope{ProjectScope, DefaultDomain})
			var groups []string
			for n := range 2 {
				g, err := GroupPut(tx, Group{Name: string(rune('a' + n)), DomainID: DefaultDomain})
				if err != nil {
					return err
				}
				groups = append(groups, g.ID)
				for _, user := range users {
					if rapid.Bool().Draw(r, "member") {
						if err := GroupJoin(tx, Membership{g.ID, user}); err != nil {
							return err
						}
					}
				}
			}
			for range rapid.IntRange(0, 8).Draw(r, "assignments") {
				a := Assignment{RoleID: rapid.SampledFrom(roles).Draw(r, "role"), Scope: rapid.SampledFrom(scopes).Draw(r, "scope")}
				if rapid.Bool().Draw(r, "to a group") {
					a.GroupID = rapid.SampledFrom(groups).Draw(r, "group")
				} else {
					a.UserID = rapid.SampledFrom(users).Draw(r, "user")
				}
				a.Inherited = a.Scope.Kind != SystemScope && rapid.Bool().Draw(r, "inherited")
				if err := AssignmentPut(tx, a); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			r.Fatal(err)
		}
		told := map[Assignment]bool{}
		for _, e := range Effects(fork.Snapshot()) {
			told[e.Assignment] = true
		}
		n := 0
		for _, user := range users {
			for _, s := range scopes {
				for _, role := range RolesIn(fork.Snapshot(), user, s) {
					n++
					if !told[Assignment{RoleID: role.ID, UserID: user, Scope: s}] {
						r.Fatalf("%s has %s in %v, which Effects does not tell", user, role.Name, s)
					}
				}
			}
		}
		if n != len(told) {
			r.Fatalf("Effects tells %d, tokens get %d", len(told), n)
		}
	})
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	role := func(tx *statestore.Txn, name string) string {
		r, _ := Roles.First(tx, "name", folded("", name))
		return r.ID
	}
	for name, c := range map[string]struct {
		do   func(tx *statestore.Txn) error
		want cloud.Kind
	}{
		"a name twice": {func(tx *statestore.Txn) error {
			_, err := ProjectPut(tx, Project{Name: "DEMO", DomainID: DefaultDomain})
			return err
		}, cloud.Conflict},
		"no name": {func(tx *statestore.Txn) error {
			_, err := UserPut(tx, User{Name: " ", DomainID: DefaultDomain})
			return err
		}, cloud.Invalid},
		"no such domain":    {func(tx *statestore.Txn) error { _, err := UserPut(tx, User{Name: "x", DomainID: "y"}); return err }, cloud.NotFound},
		"an enabled domain": {func(tx *statestore.Txn) error { return DomainDelete(tx, DefaultDomain) }, cloud.Forbidden},
		"disabling default": {func(tx *statestore.Txn) error {
			_, err := DomainPut(tx, Domain{ID: DefaultDomain, Name: "Default"})
			return err
		}, cloud.Forbidden},
		"a role of policy":  {func(tx *statestore.Txn) error { return RoleDelete(tx, role(tx, "admin")) }, cloud.Forbidden},
		"a circle of roles": {func(tx *statestore.Txn) error { return RoleImply(tx, role(tx, "reader"), role(tx, "admin"), true) }, cloud.Invalid},
		"an endpoint of nothing": {func(tx *statestore.Txn) error {
			_, err := EndpointPut(tx, Endpoint{Interface: "public", URL: "http://x", ServiceID: "?"})
			return err
		}, cloud.NotFound},
	} {
		before := w.store.Snapshot().Revision()
		if err := w.store.Write(t.Context(), c.do); !cloud.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if w.store.Snapshot().Revision() != before {
			t.Errorf("%s: something was stored", name)
		}
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	hash, err := PasswordHash(b.Context(), "secret")
	if err != nil {
		b.Fatal(err)
	}
	store := storetest.NewStore(b, Tables)
	if err := store.Write(b.Context(), func(tx *statestore.Txn) error {
		return Seed(tx, Seeding{Region: "R", Key: NewKey(), PasswordHash: hash, Demo: true})
	}); err != nil {
		b.Fatal(err)
	}
	a := Authority{Clock: cloud.RealClock{}}
	token, _, err := a.Issue(b.Context(), store.Snapshot(), Credentials{UserRef: UserRef{UserName: "admin", UserDomainID: DefaultDomain}, Password: "secret", Methods: []string{"password"}},
		ScopeRef{Kind: ProjectScope, Name: "admin", DomainID: DefaultDomain})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := a.Authenticate(store.Snapshot(), token); err != nil {
			b.Fatal(err)
		}
	}
}
